package lemma.diffusion.scheduler;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Between two latents along the sphere, so that the norm stays that of Gaussian noise.
///
/// ```
/// sin((1 − a)·θ) / sin θ · x₀  +  sin(a·θ) / sin θ · x₁        cos θ = x₀·x₁ / (|x₀|·|x₁|)
/// ```
///
/// The straight line between two independent draws passes through points of norm √(d/2) where the
/// network has only ever seen √d. Song et al. 2021, eq. 67, arXiv:2010.02502.
public final class Slerp {
  /// Beyond this cosine sin θ is too small to divide by, and the straight line is as good.
  private static final double PARALLEL = 0.9995;

  private Slerp() {}

  /// The point at `a` between 0 (x₀) and 1 (x₁); the tensors are taken as flat vectors.
  ///
  /// @throws IllegalArgumentException if the shapes differ
  public static Tensor of(Tensor x0, Tensor x1, double a) {
    if (!Arrays.equals(x0.shape(), x1.shape()))
      throw new IllegalArgumentException("x0 %s and x1 %s must have one shape".formatted(x0, x1));
    double norms = Math.sqrt(x0.square().sum().item() * x1.square().sum().item());
    double cosine = norms == 0 ? 1 : x0.mul(x1).sum().item() / norms;
    if (Math.abs(cosine) > PARALLEL) return x0.mul(1 - a).add(x1.mul(a));
    double angle = Math.acos(cosine);
    double sine = Math.sin(angle);
    return x0.mul(Math.sin((1 - a) * angle) / sine).add(x1.mul(Math.sin(a * angle) / sine));
  }
}
