package lemma.diffusion.schedule;

import java.util.Arrays;

/// The noise levels σ that a solver visits, and the timesteps that the network knows them by.
///
/// ```
/// σ = √((1 − ᾱ) / ᾱ)        x / √ᾱ = x₀ + σ·ε
/// ```
///
/// Between two timesteps of training σ is interpolated linearly; a timestep for a σ is found by
/// interpolating log σ.
///
/// @param range between which levels a [SigmaSpacing] spreads
/// @param wholeTimesteps whether a timestep found for a σ is rounded
public record SigmaPath(
    NoiseSchedule schedule,
    TimestepSpacing timesteps,
    SigmaSpacing sigmas,
    Range range,
    End end,
    boolean wholeTimesteps) {

  /// Stands for ᾱ = 0, where σ would be infinite.
  private static final double LEAST_ALPHA_BAR = 0x1p-24;

  /// Between which levels a spacing spreads.
  public enum Range {
    /// The first and the last of the chosen timesteps.
    CHOSEN_TIMESTEPS,
    /// The noisiest and the cleanest of training.
    TRAINING
  }

  /// Where the last stride ends.
  public enum End {
    /// σ = 0.
    CLEAN,
    /// The σ of the first timestep of training.
    FIRST_TIMESTEP
  }

  /// Linspace, levels of the timesteps, ending clean.
  public SigmaPath(NoiseSchedule schedule) {
    this(
        schedule,
        new TimestepSpacing.Linspace(),
        new SigmaSpacing.OfTimesteps(),
        Range.CHOSEN_TIMESTEPS,
        End.CLEAN,
        false);
  }

  public SigmaPath withTimesteps(TimestepSpacing timesteps) {
    return new SigmaPath(schedule, timesteps, sigmas, range, end, wholeTimesteps);
  }

  public SigmaPath withSigmas(SigmaSpacing sigmas, Range range, boolean wholeTimesteps) {
    return new SigmaPath(schedule, timesteps, sigmas, range, end, wholeTimesteps);
  }

  public SigmaPath withEnd(End end) {
    return new SigmaPath(schedule, timesteps, sigmas, range, end, wholeTimesteps);
  }

  /// The levels of a run, descending, and the timesteps of all but the last.
  public record Levels(double[] sigmas, double[] timesteps) {}

  /// The levels of a run of `steps` strides: `steps + 1` of σ.
  ///
  /// @throws IllegalArgumentException if `steps` is not between 1 and the number of training steps
  public Levels levels(int steps) {
    int training = schedule.steps();
    double[] points = timesteps.points(steps, training);
    if (timesteps instanceof TimestepSpacing.DropLast)
      points = Arrays.stream(timesteps.timesteps(steps, training)).asDoubleStream().toArray();
    double[] levels = new double[steps];
    for (int i = 0; i < steps; i++) levels[i] = sigmaAt(points[i]);
    if (!(sigmas instanceof SigmaSpacing.OfTimesteps)) {
      boolean chosen = range == Range.CHOSEN_TIMESTEPS;
      levels =
          sigmas.levels(
              levels,
              chosen ? levels[0] : sigma(training - 1),
              chosen ? levels[steps - 1] : sigma(0));
      for (int i = 0; i < steps; i++) points[i] = timestep(levels[i]);
    }
    double[] all = Arrays.copyOf(levels, steps + 1);
    all[steps] = end == End.CLEAN ? 0 : sigma(0);
    return new Levels(all, points);
  }

  /// The timestep, between those of training, at which the noise level is σ.
  public double timestep(double sigma) {
    int low = 0;
    while (low < schedule.steps() - 2 && sigma(low + 1) <= sigma) low++;
    double from = Math.log(sigma(low));
    double to = Math.log(sigma(low + 1));
    double share = Math.clamp((Math.log(sigma) - from) / (to - from), 0, 1);
    double timestep = low + share;
    return wholeTimesteps ? Math.rint(timestep) : timestep;
  }

  /// σ of a timestep of training.
  public double sigma(int t) {
    double kept = Math.max(schedule.alphaBar(t), LEAST_ALPHA_BAR);
    return Math.sqrt((1 - kept) / kept);
  }

  private double sigmaAt(double timestep) {
    if (!(timestep >= 0 && timestep <= schedule.steps() - 1))
      throw new IllegalArgumentException(
          "%s leads to timestep %s, outside 0 … %d"
              .formatted(timesteps, timestep, schedule.steps() - 1));
    int low = (int) timestep;
    double share = timestep - low;
    return share == 0 ? sigma(low) : (1 - share) * sigma(low) + share * sigma(low + 1);
  }
}
