package lemma.diffusion.scheduler;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// A run along a list of timesteps: counts the steps and refuses what does not fit.
final class TimestepRun implements Scheduler.Run {

  /// The solver's formula for step `i` of the list.
  @FunctionalInterface
  interface Step {
    Tensor apply(int i, Tensor modelOutput, Tensor x, NoiseSource noise);
  }

  private final int[] timesteps;
  private final Step formula;
  private int next;
  private int[] shape = {};

  TimestepRun(int[] timesteps, Step formula) {
    this.timesteps = timesteps;
    this.formula = formula;
  }

  @Override
  public boolean done() {
    return next == timesteps.length;
  }

  @Override
  public double timestep() {
    checkNotDone();
    return timesteps[next];
  }

  @Override
  public Tensor step(Tensor modelOutput, Tensor x, NoiseSource noise) {
    checkNotDone();
    if (next == 0) shape = x.shape();
    if (!Arrays.equals(shape, x.shape()))
      throw new IllegalArgumentException(
          "x changed its shape from %s to %s at step %d"
              .formatted(Arrays.toString(shape), x, next));
    for (double value : modelOutput.data())
      if (!Double.isFinite(value))
        throw new IllegalArgumentException(
            "model output has %s at timestep %d".formatted(value, timesteps[next]));
    Tensor result = formula.apply(next, modelOutput, x, noise);
    next++;
    return result;
  }

  private void checkNotDone() {
    if (done())
      throw new IllegalStateException("all %d steps are taken".formatted(timesteps.length));
  }
}
