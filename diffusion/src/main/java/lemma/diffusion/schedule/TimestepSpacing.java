package lemma.diffusion.schedule;

import java.util.Arrays;

/// Which of the T training timesteps a sampler visits, from the noisiest down.
///
/// | spacing | 10 of 1000 | |
/// |---|---|---|
/// | [Leading] | 900, 800, …, 0 | never sees the last timestep, so it starts from too little noise |
/// | [Linspace] | 999, 888, …, 0 | both ends |
/// | [Trailing] | 999, 899, …, 99 | the last timestep and equal strides |
/// | [DropLast] | | one point more, the last left out: the clean end is reached, not visited |
///
/// Halves are rounded to even, as numpy does. Lin et al. 2023, table 2, arXiv:2305.08891.
public sealed interface TimestepSpacing {

  /// The points before rounding; solvers that interpolate between timesteps use them as they are.
  double[] points(int steps, int trainingSteps);

  /// The timesteps, descending.
  ///
  /// @throws IllegalArgumentException if `steps` is not between 1 and `trainingSteps`
  default int[] timesteps(int steps, int trainingSteps) {
    double[] points = points(steps, trainingSteps);
    int[] timesteps = new int[points.length];
    for (int i = 0; i < points.length; i++) {
      timesteps[i] = (int) Math.rint(points[i]);
      if (timesteps[i] < 0 || timesteps[i] >= trainingSteps)
        throw new IllegalArgumentException(
            "%s leads to timestep %d, outside 0 … %d"
                .formatted(this, timesteps[i], trainingSteps - 1));
    }
    return timesteps;
  }

  /// Multiples of ⌊T / steps⌋, plus an offset (1 in Stable Diffusion).
  record Leading(int offset) implements TimestepSpacing {
    public Leading {
      if (offset < 0) throw new IllegalArgumentException("offset must be 0 or more, was " + offset);
    }

    public Leading() {
      this(0);
    }

    @Override
    public double[] points(int steps, int trainingSteps) {
      check(steps, trainingSteps);
      int stride = trainingSteps / steps;
      double[] points = new double[steps];
      for (int i = 0; i < steps; i++) points[i] = (steps - 1 - i) * stride + offset;
      return points;
    }
  }

  /// Evenly from T − 1 to 0, both included.
  record Linspace() implements TimestepSpacing {
    @Override
    public double[] points(int steps, int trainingSteps) {
      check(steps, trainingSteps);
      if (steps == 1) return new double[] {0};
      double stride = (trainingSteps - 1.0) / (steps - 1);
      double[] points = new double[steps];
      for (int i = 0; i < steps; i++) points[i] = (steps - 1 - i) * stride;
      return points;
    }
  }

  /// T, T − T/steps, …, rounded, minus 1.
  record Trailing() implements TimestepSpacing {
    @Override
    public double[] points(int steps, int trainingSteps) {
      check(steps, trainingSteps);
      double stride = (double) trainingSteps / steps;
      double[] points = new double[steps];
      for (int i = 0; i < steps; i++) points[i] = Math.rint(trainingSteps - i * stride) - 1;
      return points;
    }
  }

  /// One point more than steps, the last of which is left out: the grids of DPM-Solver.
  record DropLast(TimestepSpacing spacing) implements TimestepSpacing {
    @Override
    public double[] points(int steps, int trainingSteps) {
      check(steps, trainingSteps - 1);
      return Arrays.copyOf(spacing.points(steps + 1, trainingSteps), steps);
    }
  }

  private static void check(int steps, int trainingSteps) {
    if (steps < 1 || steps > trainingSteps)
      throw new IllegalArgumentException(
          "steps must lie in 1 … %d, was %d".formatted(trainingSteps, steps));
  }
}
