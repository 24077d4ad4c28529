package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// q(xₛ | xₜ, x₀) for a less noisy s < t: a Gaussian, by Bayes' rule on the forward process.
///
/// ```
/// α = ᾱₜ / ᾱₛ,  β = 1 − α
/// mean     = √ᾱₛ·β / (1 − ᾱₜ) · x₀  +  √α·(1 − ᾱₛ) / (1 − ᾱₜ) · xₜ
/// variance = β·(1 − ᾱₛ) / (1 − ᾱₜ)
/// ```
///
/// For s = t − 1 this is eq. 7 of Ho et al. 2020, arXiv:2006.11239.
public record Posterior(double x0Weight, double xWeight, double beta, double variance) {

  /// @throws IllegalArgumentException if not 0 ≤ ᾱₜ < 1 and ᾱₜ ≤ ᾱₛ ≤ 1
  public static Posterior of(double alphaBar, double previousAlphaBar) {
    if (!(alphaBar >= 0
        && alphaBar < 1
        && alphaBar <= previousAlphaBar
        && previousAlphaBar > 0
        && previousAlphaBar <= 1))
      throw new IllegalArgumentException(
          "0 ≤ alphaBar ≤ previousAlphaBar ≤ 1 and alphaBar < 1 is needed, was %s and %s"
              .formatted(alphaBar, previousAlphaBar));
    double alpha = alphaBar / previousAlphaBar;
    double beta = 1 - alpha;
    double noise = 1 - alphaBar;
    double previousNoise = 1 - previousAlphaBar;
    return new Posterior(
        Math.sqrt(previousAlphaBar) * beta / noise,
        Math.sqrt(alpha) * previousNoise / noise,
        beta,
        beta * previousNoise / noise);
  }

  public Tensor mean(Tensor x0, Tensor x) {
    return x0.mul(x0Weight).add(x.mul(xWeight));
  }

  /// The x₀ for which `mean` is the mean: for networks that predict the mean itself.
  public Tensor x0(Tensor mean, Tensor x) {
    return mean.sub(x.mul(xWeight)).div(x0Weight);
  }
}
