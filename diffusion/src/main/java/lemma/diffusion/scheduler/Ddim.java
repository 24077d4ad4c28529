package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;
import lemma.diffusion.schedule.NoiseLevel;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.schedule.TimestepSpacing;

/// The implicit sampler: predict x₀, then noise it again to any less noisy timestep s.
///
/// ```
/// xₛ = √ᾱₛ·x̂₀ + √(1 − ᾱₛ − σ²)·ε̂ + σ·z
/// σ  = η·√((1 − ᾱₛ) / (1 − ᾱₜ))·√(1 − ᾱₜ / ᾱₛ)
/// ```
///
/// η = 0 draws no noise: the image is a function of the first state. η = 1 has DDPM's variance. The
/// marginals q(xₜ | x₀) are the same for every η, which is why one network serves them all; the
/// forward process behind them is no Markov chain.
///
/// Song et al. 2021, eq. 12 and 16, arXiv:2010.02502. Answer: `diffusion/ddim.md`.
public record Ddim(
    NoiseSchedule schedule,
    Prediction prediction,
    TimestepSpacing spacing,
    Clipping clipping,
    double eta,
    Direction direction,
    End end)
    implements Scheduler {

  /// Which ε̂ points from x̂₀ to the next state.
  public enum Direction {
    /// The network's, even if x̂₀ was clipped.
    PREDICTED,
    /// The one that belongs to the clipped x̂₀.
    CLIPPED
  }

  /// Where the last step ends.
  public enum End {
    /// ᾱ = 1.
    CLEAN(-1),
    /// ᾱ₀, the first training step: Stable Diffusion's setting.
    FIRST_TIMESTEP(0);

    final int timestep;

    End(int timestep) {
      this.timestep = timestep;
    }
  }

  /// @throws IllegalArgumentException if `eta` is outside [0, 1]
  public Ddim {
    if (!(eta >= 0 && eta <= 1))
      throw new IllegalArgumentException("eta must lie in [0, 1], was " + eta);
  }

  /// ε-prediction, every ⌊T / steps⌋-th timestep, no clipping, η = 0, ending clean.
  public Ddim(NoiseSchedule schedule) {
    this(
        schedule,
        Prediction.EPSILON,
        new TimestepSpacing.Leading(),
        new Clipping.None(),
        0,
        Direction.PREDICTED,
        End.CLEAN);
  }

  public Ddim withPrediction(Prediction prediction) {
    return new Ddim(schedule, prediction, spacing, clipping, eta, direction, end);
  }

  public Ddim withSpacing(TimestepSpacing spacing) {
    return new Ddim(schedule, prediction, spacing, clipping, eta, direction, end);
  }

  public Ddim withClipping(Clipping clipping, Direction direction) {
    return new Ddim(schedule, prediction, spacing, clipping, eta, direction, end);
  }

  public Ddim withEta(double eta) {
    return new Ddim(schedule, prediction, spacing, clipping, eta, direction, end);
  }

  public Ddim withEnd(End end) {
    return new Ddim(schedule, prediction, spacing, clipping, eta, direction, end);
  }

  @Override
  public Run start(int steps) {
    int[] timesteps = spacing.timesteps(steps, schedule.steps());
    return new TimestepRun(
        timesteps,
        (i, output, x, noise) ->
            step(output, x, timesteps[i], i + 1 < steps ? timesteps[i + 1] : end.timestep, noise));
  }

  /// From timestep t to s; −1 is the clean image. With η = 0 it also walks upwards, s > t.
  ///
  /// @throws IllegalArgumentException if the shapes differ, a timestep does not exist, or a step
  ///     upwards asks for noise
  public Tensor step(Tensor output, Tensor x, int t, int s, NoiseSource noise) {
    double sigma = sigma(t, s);
    NoiseLevel level = schedule.level(t);
    Tensor x0 = x0(output, x, t);
    Tensor epsilon =
        direction == Direction.PREDICTED
            ? prediction.epsilon(output, x, level)
            : Prediction.SAMPLE.epsilon(x0, x, level);
    double towards = Math.sqrt(Math.max(0, 1 - schedule.alphaBar(s) - sigma * sigma));
    Tensor mean = x0.mul(schedule.signal(s)).add(epsilon.mul(towards));
    return sigma == 0 ? mean : mean.add(noise.draw(x.shape()).mul(sigma));
  }

  /// The step as three weights: xₛ = x·xₜ + output·(network's output) + noise·z.
  ///
  /// Without clipping a step is linear in state, output and noise, whatever the prediction, so two
  /// probes of the formula give the weights that a kernel needs.
  ///
  /// @throws IllegalArgumentException if x̂₀ is clipped
  public Weights weights(int t, int s) {
    if (!(clipping instanceof Clipping.None))
      throw new IllegalArgumentException("a step with " + clipping + " is not linear");
    NoiseSource zero = Tensor::zeros;
    Tensor one = Tensor.scalar(1);
    Tensor nothing = Tensor.scalar(0);
    return new Weights(
        step(nothing, one, t, s, zero).item(), step(one, nothing, t, s, zero).item(), sigma(t, s));
  }

  /// What a step multiplies the state, the network's output and the noise with.
  public record Weights(double x, double output, double noise) {}

  /// x̂₀, clipped.
  public Tensor x0(Tensor output, Tensor x, int t) {
    return clipping.apply(prediction.x0(output, x, schedule.level(t)));
  }

  /// σ of the step from timestep t to s.
  public double sigma(int t, int s) {
    if (eta == 0) return 0;
    double from = schedule.alphaBar(t);
    double to = schedule.alphaBar(s);
    if (from > to)
      throw new IllegalArgumentException(
          "a step from timestep %d up to %d needs eta 0, was %s".formatted(t, s, eta));
    return eta * Math.sqrt((1 - to) / (1 - from)) * Math.sqrt(1 - from / to);
  }
}
