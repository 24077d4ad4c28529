package lemma.diffusion.scheduler;

import java.util.Arrays;
import lemma.core.tensor.Tensor;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.schedule.TimestepSpacing;

/// Denoising diffusion: each step draws from the posterior, with the predicted x̂₀ for x₀.
///
/// ```
/// xₜ₋₁ = mean(x̂₀, xₜ) + σₜ·z        z ~ N(0, 1), none in the last step
/// ```
///
/// Fewer steps than in training: the same formula on the [respaced][NoiseSchedule#respaced]
/// schedule.
///
/// Ho et al. 2020, algorithm 2, arXiv:2006.11239. Answer: `diffusion/ddpm.md`.
public record Ddpm(
    NoiseSchedule schedule,
    Prediction prediction,
    TimestepSpacing spacing,
    Clipping clipping,
    Variance variance)
    implements Scheduler {

  /// Which σ² the reverse step has.
  public enum Variance {
    /// β̃, the posterior's: exact if the data are a single point.
    SMALL,
    /// β, the forward step's: exact if the data are white noise.
    LARGE,
    /// The network gives log σ² in a second half of its channels.
    LEARNED,
    /// The network gives the place between log β̃ and log β, −1 … 1, in a second half of its channels.
    LEARNED_RANGE;

    boolean learned() {
      return this == LEARNED || this == LEARNED_RANGE;
    }
  }

  /// One reverse step as a Gaussian, and the clean image that it aims at.
  public record Reverse(Tensor x0, Tensor mean, Tensor variance, Tensor logVariance) {
    /// mean + σ·z.
    public Tensor sample(Tensor noise) {
      return mean.add(logVariance.mul(0.5).exp().mul(noise));
    }
  }

  /// ε-prediction, every ⌊T / steps⌋-th timestep, no clipping, small variance.
  public Ddpm(NoiseSchedule schedule) {
    this(
        schedule,
        Prediction.EPSILON,
        new TimestepSpacing.Leading(),
        new Clipping.None(),
        Variance.SMALL);
  }

  public Ddpm withPrediction(Prediction prediction) {
    return new Ddpm(schedule, prediction, spacing, clipping, variance);
  }

  public Ddpm withSpacing(TimestepSpacing spacing) {
    return new Ddpm(schedule, prediction, spacing, clipping, variance);
  }

  public Ddpm withClipping(Clipping clipping) {
    return new Ddpm(schedule, prediction, spacing, clipping, variance);
  }

  public Ddpm withVariance(Variance variance) {
    return new Ddpm(schedule, prediction, spacing, clipping, variance);
  }

  private Ddpm withSchedule(NoiseSchedule schedule) {
    return new Ddpm(schedule, prediction, spacing, clipping, variance);
  }

  @Override
  public Run start(int steps) {
    int[] timesteps = spacing.timesteps(steps, schedule.steps());
    int[] ascending = timesteps.clone();
    Arrays.sort(ascending);
    Ddpm respaced = withSchedule(schedule.respaced(ascending));
    return new TimestepRun(
        timesteps,
        (i, output, x, noise) -> {
          int t = steps - 1 - i;
          Reverse reverse = respaced.reverse(output, x, t);
          return t == 0 ? reverse.mean() : reverse.sample(noise.draw(x.shape()));
        });
  }

  /// p(xₜ₋₁ | xₜ) from the network's output at timestep t of the schedule.
  ///
  /// @param output of the shape of `x`, with twice its channels (axis 1) if the variance is learned
  /// @throws IllegalArgumentException if the shapes do not fit
  public Reverse reverse(Tensor output, Tensor x, int t) {
    Tensor predicted = variance.learned() ? half(output, x, 0) : output;
    Tensor x0 = clipping.apply(prediction.x0(predicted, x, schedule.level(t)));
    return reverse(x0, posterior(t).mean(x0, x), output, x, t);
  }

  /// The same where the network predicts the posterior's mean itself; x̂₀ is clipped for display
  /// only.
  public Reverse reverseOfMean(Tensor output, Tensor x, int t) {
    Tensor mean = variance.learned() ? half(output, x, 0) : output;
    return reverse(clipping.apply(posterior(t).x0(mean, x)), mean, output, x, t);
  }

  private Reverse reverse(Tensor x0, Tensor mean, Tensor output, Tensor x, int t) {
    Posterior posterior = posterior(t);
    // β̃ is 0 in the last step; its logarithm is taken of the step before
    double smallest =
        t == 0 && schedule.steps() > 1 ? posterior(1).variance() : posterior.variance();
    double small = Math.log(Math.max(smallest, 1e-20));
    double large = Math.log(posterior.beta());
    Tensor logVariance =
        switch (variance) {
          case SMALL -> Tensor.full(small, x.shape());
          case LARGE -> Tensor.full(t == 0 ? small : large, x.shape());
          case LEARNED -> half(output, x, 1);
          case LEARNED_RANGE -> half(output, x, 1).add(1).div(2).mul(large - small).add(small);
        };
    Tensor sigma2 =
        variance == Variance.SMALL
            ? Tensor.full(posterior.variance(), x.shape())
            : logVariance.exp();
    return new Reverse(x0, mean, sigma2, logVariance);
  }

  /// q(xₜ₋₁ | xₜ, x₀).
  public Posterior posterior(int t) {
    return Posterior.of(schedule.alphaBar(t), schedule.alphaBar(t - 1));
  }

  private static Tensor half(Tensor output, Tensor x, int which) {
    if (output.rank() < 2 || output.rank() != x.rank() || output.size(1) != 2 * x.size(1))
      throw new IllegalArgumentException(
          "model output %s must have twice the channels of x %s".formatted(output, x));
    int channels = x.size(1);
    return output.slice(1, which * channels, (which + 1) * channels);
  }
}
