package lemma.core.position;

import static lemma.core.tensor.Tensor.LAST;

import lemma.core.tensor.Tensor;

/// [Rope] with a decay: queries grow and keys shrink with the position, each pair at its own rate,
/// so that a score is multiplied by less the farther its key lies back.
///
/// ```
/// ζᵢ = (2i + 0.4·d) / 1.4·d                        i < d/2
/// q′ = ζᵢ^(+e/scaleBase) · R_m q
/// k′ = ζᵢ^(−e/scaleBase) · R_n k                   e: the position, counted from the middle
/// ⟨q′, k′⟩ = Σᵢ ζᵢ^((m−n)/scaleBase) · (the score of pair i)
/// ```
///
/// For causal attention only: with a key ahead of its query the factor is above 1. Pairs are
/// interleaved; `d` is `headDim`.
///
/// Sun et al. 2022, section 2, arXiv:2212.10554. Answer: `position/rope.md`.
public record XPos(int headDim, double scaleBase) {

  /// @throws IllegalArgumentException if `headDim` is odd or not positive, or `scaleBase` is not
  ///     positive
  public XPos {
    if (headDim <= 0 || headDim % 2 != 0)
      throw new IllegalArgumentException("headDim must be even and positive, was " + headDim);
    if (!(scaleBase > 0) || Double.isInfinite(scaleBase))
      throw new IllegalArgumentException("scaleBase must be positive, was " + scaleBase);
  }

  /// Queries `x [..., time, headDim]` at positions `offset`, `offset + 1`, … of a text that ends
  /// with them.
  public Tensor query(Tensor x, int offset) {
    return apply(x, offset, 1);
  }

  /// Keys, likewise.
  public Tensor key(Tensor x, int offset) {
    return apply(x, offset, -1);
  }

  private Tensor apply(Tensor x, int offset, int sign) {
    if (offset < 0) throw new IllegalArgumentException("offset must be 0 or more, was " + offset);
    if (x.rank() < 2 || x.size(LAST) != headDim)
      throw new IllegalArgumentException("x must be [..., time, %d], was %s".formatted(headDim, x));
    int time = x.size(-2);
    int[] positions = new int[time];
    double[] scale = new double[time * headDim];
    int middle = (offset + time + 1) / 2;
    for (int t = 0; t < time; t++) {
      positions[t] = offset + t;
      for (int c = 0; c < headDim; c++) {
        double zeta = (c / 2 * 2 + 0.4 * headDim) / (1.4 * headDim);
        scale[t * headDim + c] = Math.pow(zeta, sign * (positions[t] - middle) / scaleBase);
      }
    }
    Rope rope = new Rope(headDim, headDim, 10_000, Rope.Layout.INTERLEAVED, new RopeScaling.None());
    return rope.apply(x, positions).mul(Tensor.ofShared(scale, time, headDim));
  }
}
