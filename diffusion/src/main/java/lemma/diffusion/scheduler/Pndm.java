package lemma.diffusion.scheduler;

import java.util.ArrayList;
import java.util.List;
import lemma.core.tensor.Tensor;

/// DDIM's step with an ε̂ that is extrapolated from the last ones, in equal strides of the timestep.
///
/// ```
/// ε̂ = (55·e₀ − 59·e₁ + 37·e₂ − 9·e₃) / 24        (3, −1)/2 and (23, −16, 5)/12 before
/// ```
///
/// The first slopes come from three Runge–Kutta strides of four calls ([Start#RUNGE_KUTTA]), or from
/// repeating the second timestep once ([Start#LINEAR_MULTISTEP], which Stable Diffusion uses and which
/// takes N + 1 calls).
///
/// Liu et al. 2022, arXiv:2202.09778.
///
/// @param ddim whose step is taken; its η must be 0
public record Pndm(Ddim ddim, Start start) implements Scheduler {
  private static final double[][] ADAMS_BASHFORTH = {
    {1},
    {3 / 2.0, -1 / 2.0},
    {23 / 12.0, -16 / 12.0, 5 / 12.0},
    {55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0}
  };
  private static final double[] RUNGE_KUTTA = {1 / 6.0, 1 / 3.0, 1 / 3.0, 1 / 6.0};

  /// Where the first slopes come from.
  public enum Start {
    RUNGE_KUTTA,
    LINEAR_MULTISTEP
  }

  /// @throws IllegalArgumentException if DDIM's η is not 0, or it clips
  public Pndm {
    if (ddim.eta() != 0) throw new IllegalArgumentException("eta must be 0, was " + ddim.eta());
    if (!(ddim.clipping() instanceof Clipping.None))
      throw new IllegalArgumentException(
          "clipping is not defined for slopes, was " + ddim.clipping());
  }

  /// @throws IllegalArgumentException if `steps` is not between 1 (4 with Runge–Kutta) and the number
  ///     of training steps
  @Override
  public Run start(int steps) {
    int training = ddim.schedule().steps();
    if (start == Start.RUNGE_KUTTA && steps < 4)
      throw new IllegalArgumentException(
          "steps must be 4 or more with Runge-Kutta strides, was " + steps);
    int[] timesteps = ddim.spacing().timesteps(steps, training);
    int stride = training / steps;
    int[] calls = calls(timesteps, stride);
    return new TimestepRun(calls, new Memory(calls, stride));
  }

  @Override
  public int calls(int steps) {
    return start == Start.RUNGE_KUTTA ? steps + 9 : steps == 1 ? 1 : steps + 1;
  }

  private int[] calls(int[] timesteps, int stride) {
    int n = timesteps.length;
    List<Integer> calls = new ArrayList<>();
    if (start == Start.LINEAR_MULTISTEP) {
      for (int i = 0; i < n; i++) {
        calls.add(timesteps[i]);
        if (i == 1) calls.add(timesteps[1]);
      }
    } else {
      for (int i = 0; i < 3; i++) {
        int middle = timesteps[i + 1] + stride / 2;
        calls.addAll(List.of(timesteps[i], middle, middle, timesteps[i + 1]));
      }
      for (int i = 3; i < n; i++) calls.add(timesteps[i]);
    }
    return calls.stream().mapToInt(Integer::intValue).toArray();
  }

  private final class Memory implements TimestepRun.Step {
    private final int[] calls;
    private final int stride;
    private final List<Tensor> slopes = new ArrayList<>(); // the newest first
    private Tensor anchor;
    private Tensor sum;

    Memory(int[] calls, int stride) {
      this.calls = calls;
      this.stride = stride;
    }

    @Override
    public Tensor apply(int i, Tensor output, Tensor x, NoiseSource noise) {
      return start == Start.RUNGE_KUTTA && i < 12
          ? rungeKutta(i, output, x)
          : multistep(i, output, x);
    }

    private Tensor rungeKutta(int i, Tensor output, Tensor x) {
      int stage = i % 4;
      if (stage == 0) {
        anchor = x;
        remember(output);
      }
      Tensor share = output.mul(RUNGE_KUTTA[stage]);
      sum = stage == 0 ? share : sum.add(share);
      int to = calls[i] - (stage % 2 == 0 ? stride / 2 : 0);
      return step(stage == 3 ? sum : output, anchor, calls[i - stage], to);
    }

    private Tensor multistep(int i, Tensor output, Tensor x) {
      if (start == Start.LINEAR_MULTISTEP && i == 1)
        return step(output.add(slopes.getFirst()).mul(0.5), anchor, calls[1] + stride, calls[1]);
      if (i == 0) anchor = x;
      remember(output);
      double[] weights = ADAMS_BASHFORTH[slopes.size() - 1];
      Tensor slope = slopes.getFirst().mul(weights[0]);
      for (int k = 1; k < weights.length; k++) slope = slope.add(slopes.get(k).mul(weights[k]));
      return step(slope, x, calls[i], calls[i] - stride);
    }

    private void remember(Tensor output) {
      slopes.addFirst(output);
      if (slopes.size() > ADAMS_BASHFORTH.length) slopes.removeLast();
    }

    private Tensor step(Tensor output, Tensor x, int from, int to) {
      return ddim.step(output, x, from, to < 0 ? ddim.end().timestep : to, NoiseSource.none());
    }
  }
}
