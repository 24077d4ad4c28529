package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// Fresh noise before a stride, so that errors of earlier strides are forgotten.
///
/// ```
/// γ = min(amount / N, √2 − 1)        σ̂ = σ·(1 + γ)        y ← y + scale·√(σ̂² − σ²)·z
/// ```
///
/// Karras et al. 2022, algorithm 2, arXiv:2206.00364.
///
/// @param least the lowest σ that is churned
/// @param most the highest σ that is churned
public record Churn(double amount, double least, double most, double scale) {

  /// @throws IllegalArgumentException if a number is negative or NaN
  public Churn {
    if (!(amount >= 0))
      throw new IllegalArgumentException("churn amount must be 0 or more, was " + amount);
    if (!(least >= 0 && least <= most))
      throw new IllegalArgumentException(
          "churn needs 0 ≤ least ≤ most, was %s … %s".formatted(least, most));
    if (!(scale >= 0))
      throw new IllegalArgumentException("churn scale must be 0 or more, was " + scale);
  }

  /// The same amount at every noise level.
  public static Churn of(double amount) {
    return new Churn(amount, 0, Double.POSITIVE_INFINITY, 1);
  }

  public static Churn none() {
    return of(0);
  }

  /// σ̂ in a walk of `strides`.
  double raised(double sigma, int strides) {
    boolean churned = sigma >= least && sigma <= most;
    return churned ? sigma * (1 + Math.min(amount / strides, Math.sqrt(2) - 1)) : sigma;
  }

  Tensor raise(Tensor y, double sigma, double raised, NoiseSource noise) {
    if (raised == sigma) return y;
    double added = Math.sqrt(raised * raised - sigma * sigma);
    return y.add(noise.draw(y.shape()).mul(scale * added));
  }
}
