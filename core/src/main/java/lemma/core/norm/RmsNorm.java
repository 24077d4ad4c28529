package lemma.core.norm;

import static lemma.core.tensor.Tensor.LAST;

import lemma.core.tensor.Tensor;

/// Root-mean-square normalisation: a row divided by its root mean square.
///
/// ```
/// yᵢ = gᵢ · xᵢ / √(mean(x²) + ε)
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, `y` | `[…, dim]` | rows are normalised over the last axis |
/// | `g` | `[dim]` | learned gain, `weight` in checkpoints |
///
/// ε stands inside the root and is added to the mean of squares. No mean is subtracted.
///
/// Zhang & Sennrich 2019, eq. 4, arXiv:1910.07467. Answer: `norm/rms-norm.md`.
public record RmsNorm(Tensor gain, double epsilon) {

  /// @throws IllegalArgumentException if `gain` is not one row or `epsilon` is negative or NaN
  public RmsNorm {
    if (gain.rank() != 1)
      throw new IllegalArgumentException("gain must have shape [dim], was " + gain);
    if (!(epsilon >= 0))
      throw new IllegalArgumentException("epsilon must be 0 or more, was " + epsilon);
  }

  /// Gemma's convention: the checkpoint stores g − 1, so that zeros mean "no gain".
  public static RmsNorm gemma(Tensor weight, double epsilon) {
    return new RmsNorm(weight.add(1), epsilon);
  }

  /// Normalises every row of `x [..., dim]`.
  ///
  /// @throws IllegalArgumentException if the last axis of `x` is not `dim` long
  public Tensor apply(Tensor x) {
    if (x.rank() == 0 || x.size(LAST) != gain.size(0))
      throw new IllegalArgumentException("x must have rows of " + gain.size(0) + ", was " + x);
    Tensor rms = x.square().mean(LAST, true).add(epsilon).sqrt();
    return x.div(rms).mul(gain);
  }
}
