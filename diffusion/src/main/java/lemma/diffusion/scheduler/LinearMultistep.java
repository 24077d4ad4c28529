package lemma.diffusion.scheduler;

import java.util.ArrayList;
import java.util.List;
import lemma.core.tensor.Tensor;

/// Adams–Bashforth on uneven levels: integrates the polynomial through the last slopes.
///
/// ```
/// yₛ = y + Σⱼ cⱼ·dⱼ        cⱼ = ∫ Lⱼ(σ) dσ from σ to σₛ, Lⱼ the Lagrange polynomials of the levels
/// ```
public record LinearMultistep(int order) implements SigmaSolver {

  /// @throws IllegalArgumentException if `order` is not 1 … 4
  public LinearMultistep {
    if (order < 1 || order > 4)
      throw new IllegalArgumentException("order must lie in 1 … 4, was " + order);
  }

  public LinearMultistep() {
    this(4);
  }

  @Override
  public Walk start(double[] sigmas) {
    List<Tensor> slopes = new ArrayList<>(); // the newest first
    return new SingleCallWalk(
        sigmas,
        (i, y, estimate, noise) -> {
          slopes.addFirst(SigmaSolver.slope(y, estimate.x0(y, sigmas[i]), sigmas[i]));
          if (slopes.size() > order) slopes.removeLast();
          Tensor next = y;
          for (int j = 0; j < slopes.size(); j++)
            next = next.add(slopes.get(j).mul(coefficient(sigmas, i, j, slopes.size())));
          return next;
        });
  }

  /// cⱼ of the stride from level i to i + 1 with the slopes of `order` levels, j = 0 the newest.
  static double coefficient(double[] sigmas, int i, int j, int order) {
    // In u = σ − σᵢ, which keeps the powers small.
    double[] basis = {1};
    for (int k = 0; k < order; k++)
      if (k != j) {
        double root = sigmas[i - k] - sigmas[i];
        double scale = sigmas[i - j] - sigmas[i - k];
        double[] product = new double[basis.length + 1];
        for (int p = 0; p < basis.length; p++) {
          product[p + 1] += basis[p] / scale;
          product[p] -= basis[p] * root / scale;
        }
        basis = product;
      }
    double end = sigmas[i + 1] - sigmas[i];
    double integral = 0;
    for (int p = basis.length - 1; p >= 0; p--) integral = (integral + basis[p] / (p + 1)) * end;
    return integral;
  }
}
