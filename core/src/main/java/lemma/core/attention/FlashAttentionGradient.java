package lemma.core.attention;

import lemma.core.tensor.Tensor;

/// The backward pass of [FlashAttention]: weights are not kept, they are computed again, tile by
/// tile, from q, k and the one number that the forward pass left for each query.
///
/// ```
/// Pᵢⱼ = exp(Sᵢⱼ − logSumExpᵢ)
/// Dᵢ  = dOᵢ·Oᵢ                                  = Σⱼ Pᵢⱼ dPᵢⱼ, without a row of P
/// dVⱼ = Σᵢ Pᵢⱼ dOᵢ           dPᵢⱼ = dOᵢ·vⱼ
/// dSᵢⱼ = Pᵢⱼ (dPᵢⱼ − Dᵢ)     dQᵢ = scale·Σⱼ dSᵢⱼ kⱼ     dKⱼ = scale·Σᵢ dSᵢⱼ qᵢ
/// ```
///
/// Five products of n×n×d against the two of the forward pass, one of them the scores a second
/// time; it trades that arithmetic for n² numbers of memory.
///
/// Dao et al. 2022, algorithm 4, arXiv:2205.14135. Answer: `attention/flash-attention.md`.
///
/// @param q the gradient of the queries; k and v likewise
public record FlashAttentionGradient(Tensor q, Tensor k, Tensor v) {

  /// The gradients of Σ upstream·output.
  ///
  /// @param forward what [FlashAttention#apply] gave for these operands
  /// @throws IllegalArgumentException if the shapes do not fit
  public static FlashAttentionGradient of(
      FlashAttention flash,
      Tensor q,
      Tensor k,
      Tensor v,
      AttentionMask mask,
      FlashAttention.Result forward,
      Tensor upstream) {
    ScoreTiles scores = ScoreTiles.of(flash.attention(), q, k, v, mask);
    int queries = q.size(0);
    int keys = k.size(0);
    int dim = q.size(1);
    int valueDim = v.size(1);
    if (upstream.count() != queries * valueDim || forward.output().count() != queries * valueDim)
      throw new IllegalArgumentException(
          "upstream %s and output %s must be [%d, %d]"
              .formatted(upstream, forward.output(), queries, valueDim));
    double[] dQ = new double[q.count()];
    double[] dK = new double[k.count()];
    double[] dV = new double[v.count()];
    double[] dO = upstream.data();
    double[] tile =
        new double
            [Math.multiplyExact(
                Math.min(flash.queryBlock(), queries), Math.min(flash.keyBlock(), keys))];
    for (int first = 0; first < keys; first += flash.keyBlock()) {
      int end = Math.min(keys, first + flash.keyBlock());
      for (int from = 0; from < queries; from += flash.queryBlock()) {
        int to = Math.min(queries, from + flash.queryBlock());
        if (!scores.fill(tile, from, to, first, end)) continue;
        for (int i = from, at = 0; i < to; i++) {
          double weighted = dot(dO, i, forward.output().data(), i, valueDim); // D
          for (int j = first; j < end; j++, at++) {
            if (tile[at] == Double.NEGATIVE_INFINITY) continue;
            double p = Math.exp(tile[at] - forward.logSumExp().data()[i]);
            double dS = p * (dot(dO, i, v.data(), j, valueDim) - weighted);
            double dDot = dS * flash.attention().slope(tile[at]);
            addTo(dV, j, p, dO, i, valueDim);
            addTo(dQ, i, dDot, k.data(), j, dim);
            addTo(dK, j, dDot, q.data(), i, dim);
          }
        }
      }
    }
    return new FlashAttentionGradient(
        Tensor.ofShared(dQ, q.shape()),
        Tensor.ofShared(dK, k.shape()),
        Tensor.ofShared(dV, v.shape()));
  }

  private static double dot(double[] a, int rowA, double[] b, int rowB, int width) {
    double sum = 0;
    for (int d = 0; d < width; d++) sum += a[rowA * width + d] * b[rowB * width + d];
    return sum;
  }

  private static void addTo(double[] sum, int row, double factor, double[] x, int from, int width) {
    for (int d = 0; d < width; d++) sum[row * width + d] += factor * x[from * width + d];
  }
}
