package lemma.core.attention;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Flash attention: a block of queries meets the keys a block at a time, under the
/// [online softmax][OnlineSoftmax]; no more scores exist at once than one tile holds.
///
/// ```
/// for each block of queries:   m = −∞, l = 0, o = 0                     one of each a row
///   for each block of keys:    S  = q·kᵀ·scale, −∞ where hidden         the tile
///                              m' = max(m, max S)
///                              P  = exp(S − m')
///                              l  = l·exp(m − m') + Σ P
///                              o  = o·exp(m − m') + P·v
///   output = o / l             logSumExp = m + ln l
/// ```
///
/// | symbol | shape |
/// |---|---|
/// | `q`, `k`, `v` | `[queries, d]`, `[keys, d]`, `[keys, dv]` |
/// | output, `logSumExp` | `[queries, dv]`, `[queries]` |
///
/// It is exact: the same sums in another order. Besides the output it needs two numbers a query
/// and one tile, so memory is O(n); tiles that a mask hides whole are not computed. The
/// [backward pass][FlashAttentionGradient] makes the scores again.
///
/// Dao et al. 2022, algorithm 1, arXiv:2205.14135; loops in the order of Dao 2023, algorithm 1,
/// arXiv:2307.08691. Answer: `attention/flash-attention.md`.
public record FlashAttention(ScaledDotProduct attention, int queryBlock, int keyBlock) {

  /// @param logSumExp of each row of scores: all that the backward pass needs of the softmax; −∞ for
  ///     a query that sees no key
  /// @param tiles how many were computed
  public record Result(Tensor output, Tensor logSumExp, int tiles) {}

  /// @throws IllegalArgumentException if a block is not positive
  public FlashAttention {
    if (queryBlock < 1 || keyBlock < 1)
      throw new IllegalArgumentException(
          "queryBlock and keyBlock must be positive, were %d and %d"
              .formatted(queryBlock, keyBlock));
  }

  /// Attention of the last queries of a text: the queries end where the keys end.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit or there are more queries than keys
  ///     and the mask depends on positions
  public Result apply(Tensor q, Tensor k, Tensor v, AttentionMask mask) {
    ScoreTiles scores = ScoreTiles.of(attention, q, k, v, mask);
    int queries = q.size(0);
    int keys = k.size(0);
    Rows rows = new Rows(queries, v);
    double[] tile =
        new double[Math.multiplyExact(Math.min(queryBlock, queries), Math.min(keyBlock, keys))];
    int tiles = 0;
    for (int from = 0; from < queries; from += queryBlock) {
      int to = Math.min(queries, from + queryBlock);
      for (int first = 0; first < keys; first += keyBlock) {
        int end = Math.min(keys, first + keyBlock);
        if (!scores.fill(tile, from, to, first, end)) continue;
        tiles++;
        for (int i = from; i < to; i++)
          rows.absorb(i, tile, (i - from) * (end - first), first, end);
      }
      for (int i = from; i < to; i++) rows.finish(i);
    }
    return new Result(
        Tensor.ofShared(rows.output, queries, rows.valueDim),
        Tensor.ofShared(rows.max, queries),
        tiles);
  }

  /// m, l and o of every query.
  private static final class Rows {
    final int valueDim;
    final double[] values;
    final double[] max;
    final double[] sum;
    final double[] output;

    Rows(int queries, Tensor v) {
      valueDim = v.size(1);
      values = v.data();
      max = new double[queries];
      sum = new double[queries];
      output = new double[Math.multiplyExact(queries, valueDim)];
      Arrays.fill(max, Double.NEGATIVE_INFINITY);
    }

    /// Takes in the scores of query i and keys `first … end`, which stand at `tile[at]`.
    void absorb(int i, double[] tile, int at, int first, int end) {
      double newMax = max[i];
      for (int j = 0; j < end - first; j++) newMax = Math.max(newMax, tile[at + j]);
      if (newMax == Double.NEGATIVE_INFINITY) return; // it sees no key so far
      scale(i, Math.exp(max[i] - newMax));
      max[i] = newMax;
      for (int j = first; j < end; j++) {
        double p = Math.exp(tile[at + j - first] - newMax);
        if (p == 0) continue; // hidden
        sum[i] += p;
        for (int d = 0; d < valueDim; d++) output[i * valueDim + d] += p * values[j * valueDim + d];
      }
    }

    private void scale(int i, double factor) {
      sum[i] *= factor;
      for (int d = 0; d < valueDim; d++) output[i * valueDim + d] *= factor;
    }

    /// o / l, and logSumExp in the place of m.
    void finish(int i) {
      if (sum[i] == 0) return; // it sees no key: 0, and −∞
      max[i] += Math.log(sum[i]);
      for (int d = 0; d < valueDim; d++) output[i * valueDim + d] /= sum[i];
    }
  }
}
