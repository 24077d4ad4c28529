package lemma.core.training;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import lemma.core.tensor.Tensor;

/// Keeps one bad batch from throwing the weights away: bounds the gradients of all parameters.
///
/// Answer: `training/optimisation.md`.
public sealed interface GradientClipping {

  /// The gradients to use, and the Euclidean norm that they had.
  Clipped clip(Map<String, Tensor> gradients);

  /// Gradients after clipping.
  ///
  /// @param norm the norm over all parameters before clipping
  /// @param coefficient what all were multiplied by; 1 if each element was clipped for itself
  record Clipped(Map<String, Tensor> gradients, double norm, double coefficient) {}

  /// Leaves them as they are.
  record None() implements GradientClipping {
    @Override
    public Clipped clip(Map<String, Tensor> gradients) {
      return new Clipped(gradients, norm(gradients, 2), 1);
    }
  }

  /// One factor for all, so that the direction stays.
  ///
  /// ```
  /// n = ‖(g₁, g₂, …)‖ₚ          over all parameters together
  /// g ← g · min(1, maxNorm / (n + 10⁻⁶))
  /// ```
  ///
  /// Pascanu et al. 2013, algorithm 1, arXiv:1211.5063; the 10⁻⁶ is torch's, so the clipped norm is
  /// slightly below the bound.
  ///
  /// @param order p: 2, or infinity for the largest magnitude
  record GlobalNorm(double maxNorm, double order) implements GradientClipping {

    /// @throws IllegalArgumentException if a component is not positive
    public GlobalNorm {
      if (!(maxNorm > 0))
        throw new IllegalArgumentException("maxNorm must be positive, was " + maxNorm);
      if (!(order > 0)) throw new IllegalArgumentException("order must be positive, was " + order);
    }

    /// With the Euclidean norm.
    public GlobalNorm(double maxNorm) {
      this(maxNorm, 2);
    }

    @Override
    public Clipped clip(Map<String, Tensor> gradients) {
      double norm = norm(gradients, order);
      double coefficient = Math.min(1, maxNorm / (norm + 1e-6));
      return new Clipped(
          coefficient == 1 ? gradients : each(gradients, g -> g.mul(coefficient)),
          norm,
          coefficient);
    }
  }

  /// Each element into [−limit, limit]: the direction may turn.
  record Value(double limit) implements GradientClipping {

    /// @throws IllegalArgumentException if `limit` is not positive
    public Value {
      if (!(limit > 0)) throw new IllegalArgumentException("limit must be positive, was " + limit);
    }

    @Override
    public Clipped clip(Map<String, Tensor> gradients) {
      return new Clipped(each(gradients, g -> g.clamp(-limit, limit)), norm(gradients, 2), 1);
    }
  }

  /// `(Σ |g|ᵖ)^(1/p)` over all parameters, max |g| for p = ∞.
  private static double norm(Map<String, Tensor> gradients, double p) {
    double sum = 0;
    double largest = 0;
    for (Tensor gradient : gradients.values()) {
      for (double g : gradient.data()) {
        sum += p == 2 ? g * g : Math.pow(Math.abs(g), p);
        largest = Math.max(largest, Math.abs(g));
      }
    }
    return Double.isInfinite(p) ? largest : p == 2 ? Math.sqrt(sum) : Math.pow(sum, 1 / p);
  }

  private static Map<String, Tensor> each(
      Map<String, Tensor> gradients, UnaryOperator<Tensor> change) {
    Map<String, Tensor> changed = new LinkedHashMap<>();
    gradients.forEach((name, gradient) -> changed.put(name, change.apply(gradient)));
    return changed;
  }
}
