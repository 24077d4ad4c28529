package lemma.diffusion.scheduler;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Refuses what does not fit into a run: another shape than that of the first step, an output that is
/// not finite.
final class StepGuard {
  private int[] shape;
  private int step;

  void check(Tensor modelOutput, Tensor x, double timestep) {
    if (shape == null) shape = x.shape();
    if (!Arrays.equals(shape, x.shape()))
      throw new IllegalArgumentException(
          "x changed its shape from %s to %s at step %d"
              .formatted(Arrays.toString(shape), Arrays.toString(x.shape()), step));
    for (double value : modelOutput.data())
      if (!Double.isFinite(value))
        throw new IllegalArgumentException(
            "model output has %s at timestep %s".formatted(value, timestep));
    step++;
  }
}
