package lemma.core.norm;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Query–key normalisation: the rows of q and k are normalised before they meet.
///
/// ```
/// scoreᵢⱼ = RMSNorm(qᵢ)·RMSNorm(kⱼ) / √d,      |scoreᵢⱼ| ≤ √d · max|g_q| · max|g_k|
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `q`, `k` | `[…, headDim]` | heads after projection, before the rotation by position |
/// | `g_q`, `g_k` | `[headDim]` | gains, shared by all heads of a layer |
///
/// A normalised row has length √d, so no growth of the projections can make a score large: only the
/// gains can. Rotations keep lengths, so the bound holds with RoPE behind it.
///
/// Henry et al. 2020, eq. 4, arXiv:2010.04245; Dehghani et al. 2023, eq. 1, arXiv:2302.05442; with
/// RMSNorm in Stable Diffusion 3 (Esser et al. 2024, section 5.3.2, arXiv:2403.03206) and Qwen3.
/// Answer: `norm/qk-norm.md`.
public record QkNorm(RmsNorm query, RmsNorm key) {

  /// @throws IllegalArgumentException if the gains differ in length
  public QkNorm {
    if (!Arrays.equals(query.gain().shape(), key.gain().shape()))
      throw new IllegalArgumentException(
          "query and key must have gains of one length, were %s and %s"
              .formatted(query.gain(), key.gain()));
  }

  /// Gains of 1.
  public static QkNorm plain(int headDim, double epsilon) {
    var norm = new RmsNorm(Tensor.ones(headDim), epsilon);
    return new QkNorm(norm, norm);
  }

  /// Normalises every row of `q [..., headDim]`.
  ///
  /// @throws IllegalArgumentException if the last axis of `q` is not `headDim` long
  public Tensor applyToQuery(Tensor q) {
    return query.apply(q);
  }

  /// Normalises every row of `k [..., headDim]`.
  ///
  /// @throws IllegalArgumentException if the last axis of `k` is not `headDim` long
  public Tensor applyToKey(Tensor k) {
    return key.apply(k);
  }

  /// What no score q·k/√d can exceed, whatever q and k are.
  public double bound() {
    int headDim = query.gain().size(0);
    return Math.sqrt(headDim) * largest(query.gain()) * largest(key.gain());
  }

  private static double largest(Tensor gain) {
    return gain.abs().max().item();
  }
}
