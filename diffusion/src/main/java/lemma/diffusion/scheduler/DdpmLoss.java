package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;
import lemma.diffusion.schedule.NoiseLevel;
import lemma.diffusion.schedule.NoiseSchedule;

/// What diffusion training minimises; every loss is a mean over an image, `[batch]`.
///
/// ```
/// simple = ‖target − output‖²                    target: ε, x₀ or v
/// bound  = KL(q(xₜ₋₁ | xₜ, x₀) ‖ p(xₜ₋₁ | xₜ))   in bits per dimension; −log p(x₀ | x₁) at t = 0
/// hybrid = simple + weight·bound                 the bound teaches the variance alone
/// ```
///
/// Ho et al. 2020, eq. 5 and 14, arXiv:2006.11239; Nichol & Dhariwal 2021, eq. 16,
/// arXiv:2102.09672.
public record DdpmLoss(Ddpm ddpm) {
  private static final double BITS = 1 / Math.log(2);
  private static final double SMALLEST = 1e-12;

  /// Noises a batch, each image at a timestep of its own, asks the network and scores it.
  ///
  /// @param epsilon the noise, of the shape of `x0` `[batch, …]`
  public Tensor simple(BatchDenoiser model, Tensor x0, Tensor epsilon, int... timesteps) {
    NoiseLevel level = ddpm.schedule().levels(timesteps, x0.rank());
    Tensor output = model.predict(level.noised(x0, epsilon), timesteps);
    return squaredError(output, ddpm.prediction().of(x0, epsilon, level));
  }

  /// A network under training: every image of the batch has its own timestep.
  @FunctionalInterface
  public interface BatchDenoiser {
    Tensor predict(Tensor x, int... timesteps);
  }

  /// Mean of (target − output)² over each image.
  public Tensor squaredError(Tensor output, Tensor target) {
    return perImage(target.sub(output).square());
  }

  /// The term of the variational bound that belongs to timestep t, in bits per dimension.
  public Tensor bound(Tensor output, Tensor x0, Tensor x, int t) {
    Ddpm.Reverse reverse = ddpm.reverse(output, x, t);
    Tensor nats = t == 0 ? discretised(x0, reverse) : divergence(ddpm.posterior(t), x0, x, reverse);
    return perImage(nats).mul(BITS);
  }

  /// Simple loss plus the bound; the bound's gradient reaches the learned variance alone.
  ///
  /// @param output prediction and variance along axis 1
  public Tensor hybrid(
      Tensor output, Tensor target, Tensor x0, Tensor x, int t, double boundWeight) {
    int channels = x.size(1);
    Tensor predicted = output.slice(1, 0, channels);
    Tensor frozen = Tensor.concat(1, predicted.detach(), output.slice(1, channels, output.size(1)));
    return squaredError(predicted, target).add(bound(frozen, x0, x, t).mul(boundWeight));
  }

  /// How far the noisiest step still is from pure noise: KL(q(x_T | x₀) ‖ N(0, 1)), bits per
  /// dimension.
  public Tensor prior(Tensor x0) {
    NoiseSchedule schedule = ddpm.schedule();
    double kept = schedule.alphaBar(schedule.steps() - 1);
    double constant = -1 - Math.log(1 - kept) + (1 - kept);
    return perImage(x0.square().mul(kept).add(constant)).mul(0.5 * BITS);
  }

  /// KL of two Gaussians: ½·(−1 + log v₂/v₁ + v₁/v₂ + (m₁ − m₂)²/v₂).
  private static Tensor divergence(Posterior posterior, Tensor x0, Tensor x, Ddpm.Reverse reverse) {
    double logVariance = Math.log(posterior.variance());
    Tensor logRatio = reverse.logVariance().sub(logVariance);
    Tensor distance = posterior.mean(x0, x).sub(reverse.mean()).square();
    return logRatio
        .sub(1)
        .add(logRatio.neg().exp())
        .add(distance.mul(reverse.logVariance().neg().exp()))
        .mul(0.5);
  }

  /// −log of the probability of an 8-bit level: the Gaussian between half-levels, open at the ends.
  private static Tensor discretised(Tensor x0, Ddpm.Reverse reverse) {
    Tensor inverse = reverse.logVariance().mul(-0.5).exp();
    Tensor centred = x0.sub(reverse.mean());
    Tensor above = cumulative(centred.add(1 / 255.0).mul(inverse));
    Tensor below = cumulative(centred.sub(1 / 255.0).mul(inverse));
    Tensor lowest = x0.map(value -> value < -0.999 ? 1 : 0, value -> 0);
    Tensor highest = x0.map(value -> value > 0.999 ? 1 : 0, value -> 0);
    Tensor inside = log(above.sub(below));
    Tensor open = Tensor.where(highest, log(below.neg().add(1)), inside);
    return Tensor.where(lowest, log(above), open).neg();
  }

  private static Tensor log(Tensor probability) {
    return probability.maximum(Tensor.scalar(SMALLEST)).log();
  }

  /// The normal distribution function by a hyperbolic tangent, as in the reference.
  private static Tensor cumulative(Tensor x) {
    Tensor cubic = x.pow(3).mul(0.044715).add(x);
    return cubic.mul(Math.sqrt(2 / Math.PI)).tanh().add(1).mul(0.5);
  }

  private static Tensor perImage(Tensor values) {
    if (values.rank() == 0)
      throw new IllegalArgumentException("images must be [batch, …], were " + values);
    return values.reshape(values.size(0), values.count() / values.size(0)).mean(Tensor.LAST, false);
  }
}
