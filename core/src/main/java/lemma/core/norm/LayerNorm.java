package lemma.core.norm;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Layer normalisation: a row moved to mean 0 and scaled to variance 1, then a learned gain and
/// bias.
///
/// ```
/// μ = mean(x)      σ² = mean((x − μ)²)
/// yᵢ = gᵢ · (xᵢ − μ) / √(σ² + ε) + bᵢ
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, `y` | `[…, dim]` | rows are normalised over the last axis |
/// | `g`, `b` | `[dim]` | learned gain and bias, `weight` and `bias` in checkpoints |
///
/// The variance is the biased one (divided by dim). Unlike batch normalisation nothing is shared
/// between rows, so training and inference compute the same.
///
/// Ba, Kiros & Hinton 2016, eq. 3 and 4, arXiv:1607.06450. Answer: `norm/layer-norm.md`.
public record LayerNorm(Tensor gain, Tensor bias, double epsilon) {

  /// @throws IllegalArgumentException if `gain` and `bias` are not one row each of the same length
  ///     or `epsilon` is negative or NaN
  public LayerNorm {
    if (gain.rank() != 1)
      throw new IllegalArgumentException("gain must have shape [dim], was " + gain);
    if (!Arrays.equals(bias.shape(), gain.shape()))
      throw new IllegalArgumentException(
          "bias must have shape [%d], was %s".formatted(gain.size(0), bias));
    if (!(epsilon >= 0))
      throw new IllegalArgumentException("epsilon must be 0 or more, was " + epsilon);
  }

  /// Gain 1 and bias 0: the plain normalisation, and where training begins.
  public static LayerNorm plain(int dim, double epsilon) {
    return new LayerNorm(Tensor.ones(dim), Tensor.zeros(dim), epsilon);
  }

  /// Normalises every row of `x [..., dim]`.
  ///
  /// @throws IllegalArgumentException if the last axis of `x` is not `dim` long
  public Tensor apply(Tensor x) {
    if (x.rank() == 0 || x.size(LAST) != gain.size(0))
      throw new IllegalArgumentException("x must have rows of " + gain.size(0) + ", was " + x);
    Tensor centred = x.sub(x.mean(LAST, true));
    Tensor deviation = centred.square().mean(LAST, true).add(epsilon).sqrt();
    return centred.div(deviation).mul(gain).add(bias);
  }
}
