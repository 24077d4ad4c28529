package lemma.diffusion.schedule;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// How much of a noised image is image and how much is noise.
///
/// ```
/// x = signal·x₀ + noise·ε        signal = √ᾱ,  noise = √(1 − ᾱ)
/// ```
///
/// Both are tensors that broadcast over `x`: of rank 0 for one level, `[batch, 1, …]` where every
/// image of a batch has its own.
public record NoiseLevel(Tensor signal, Tensor noise) {

  /// The level of one ᾱ.
  ///
  /// @throws IllegalArgumentException if `alphaBar` is outside [0, 1]
  public static NoiseLevel of(double alphaBar) {
    checkAlphaBar(alphaBar);
    return new NoiseLevel(
        Tensor.scalar(Math.sqrt(alphaBar)), Tensor.scalar(Math.sqrt(1 - alphaBar)));
  }

  /// A level of its own for every image of a batch `[batch, …]` of the given rank.
  public static NoiseLevel of(double[] alphaBars, int rank) {
    int[] shape = new int[rank];
    Arrays.fill(shape, 1);
    if (rank < 1) throw new IllegalArgumentException("a batch has rank 1 or more, was " + rank);
    shape[0] = alphaBars.length;
    for (double alphaBar : alphaBars) checkAlphaBar(alphaBar);
    Tensor kept = Tensor.of(alphaBars, shape);
    return new NoiseLevel(kept.sqrt(), kept.neg().add(1).sqrt());
  }

  private static void checkAlphaBar(double alphaBar) {
    if (!(alphaBar >= 0 && alphaBar <= 1))
      throw new IllegalArgumentException("alphaBar must lie in [0, 1], was " + alphaBar);
  }

  /// The forward process in one step: signal·x₀ + noise·ε.
  ///
  /// @throws IllegalArgumentException if `epsilon` has not the shape of `x0`
  public Tensor noised(Tensor x0, Tensor epsilon) {
    checkShapes("epsilon", epsilon, "x0", x0);
    return signal.mul(x0).add(noise.mul(epsilon));
  }

  static void checkShapes(String name, Tensor a, String otherName, Tensor b) {
    if (!Arrays.equals(a.shape(), b.shape()))
      throw new IllegalArgumentException(
          "%s %s must have the shape of %s %s".formatted(name, a, otherName, b));
  }
}
