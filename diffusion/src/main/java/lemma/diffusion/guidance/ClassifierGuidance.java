package lemma.diffusion.guidance;

import lemma.core.tensor.Tensor;

/// Uphill on a classifier's log-probability, at every step.
///
/// ```
/// ε    ← ε − s·√(1 − ᾱ)·∇ₓ log p(y | x)        on the noise (DDIM)
/// mean ← mean + s·σ²·∇ₓ log p(y | x)           on the reverse mean (DDPM)
/// ```
///
/// The classifier must have been trained on noised images. By Bayes, ∇ log p(y | x) is the
/// difference of the conditional and the unconditional score; with an ideal classifier this is
/// therefore [ClassifierFreeGuidance] of the same scale.
///
/// Dhariwal & Nichol 2021, algorithms 1 and 2, arXiv:2105.05233.
public record ClassifierGuidance(double scale) {

  /// @throws IllegalArgumentException if `scale` is not finite
  public ClassifierGuidance {
    if (!Double.isFinite(scale))
      throw new IllegalArgumentException("guidance scale must be finite, was " + scale);
  }

  /// Guided ε at noise level √(1 − ᾱ).
  public Tensor epsilon(Tensor epsilon, Tensor gradient, Tensor noise) {
    return epsilon.sub(noise.mul(gradient).mul(scale));
  }

  /// Guided mean of a reverse step.
  public Tensor mean(Tensor mean, Tensor variance, Tensor gradient) {
    return mean.add(variance.mul(gradient).mul(scale));
  }
}
