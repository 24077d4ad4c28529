package lemma.core.position;

import lemma.core.tensor.Tensor;

/// T5's relative bias: a learned number for each head and each bucket of distances, added to the
/// score.
///
/// ```
/// score(i, j) = qᵢ·kⱼ + table[bucket(j − i), head]
///
/// bucket(r) = |r|                                             |r| < n/2
///           = n/2 + ⌊n/2 · ln(|r|/(n/2)) / ln(maxDistance/(n/2))⌋   at most n − 1
/// ```
///
/// | symbol | | |
/// |---|---|---|
/// | `table` | `[buckets, heads]` | learned, one for all layers of a stack |
/// | `n` | `buckets/2` or `buckets` | bidirectional: a half for keys at or before the query, a half for those after it; else keys after the query share bucket 0 |
///
/// Near distances have a bucket each, far ones share buckets that widen geometrically, and all from
/// `maxDistance` on share the last: a text of any length finds an entry. T5 does not divide its
/// scores by √d; the bias is added to q·k as it is.
///
/// Raffel et al. 2020, section 2.1, arXiv:1910.10683. Answer: `position/relative-bias.md`.
///
/// @param bidirectional whether the sign of the distance counts: an encoder, not a decoder
public record RelativeBias(boolean bidirectional, int buckets, int maxDistance) {

  /// @throws IllegalArgumentException if a direction has fewer than 2 buckets, or `maxDistance` is
  ///     not above the distances that have a bucket each
  public RelativeBias {
    if (buckets < (bidirectional ? 4 : 2))
      throw new IllegalArgumentException(
          "buckets must be %d or more, were %d".formatted(bidirectional ? 4 : 2, buckets));
    int exact = (bidirectional ? buckets / 2 : buckets) / 2;
    if (maxDistance <= exact)
      throw new IllegalArgumentException(
          "maxDistance must be above %d, the distances with a bucket each, was %d"
              .formatted(exact, maxDistance));
  }

  /// As published: 32 buckets, the last from 128 tokens on.
  public static RelativeBias t5(boolean bidirectional) {
    return new RelativeBias(bidirectional, 32, 128);
  }

  /// The bucket of a key that stands `relativePosition` after the query (before it, if negative).
  public int bucket(int relativePosition) {
    int own = bidirectional ? buckets / 2 : buckets; // buckets of one direction
    int first = bidirectional && relativePosition > 0 ? own : 0;
    long distance = bidirectional ? Math.abs((long) relativePosition) : -(long) relativePosition;
    int exact = own / 2;
    if (distance < exact) return first + (int) Math.max(distance, 0);
    // in floats, as the trained models computed it: on a boundary one rounding moves a bucket
    float ratio = (float) Math.log((float) distance / exact);
    float octaves = ratio / (float) Math.log((double) maxDistance / exact);
    return first + Math.min(exact + (int) (octaves * (own - exact)), own - 1);
  }

  /// The bias of every score, `[heads, queries, keys]`; the first query stands at `offset`, the
  /// number of cached tokens, and the first key at 0. The gradient flows to `table`.
  ///
  /// @throws IllegalArgumentException if `table` has not `buckets` rows or a number is negative
  public Tensor bias(Tensor table, int queries, int keys, int offset) {
    if (table.rank() != 2 || table.size(0) != buckets)
      throw new IllegalArgumentException(
          "table must be [%d, heads], was %s".formatted(buckets, table));
    if (queries < 0 || keys < 0 || offset < 0)
      throw new IllegalArgumentException(
          "queries, keys and offset must be 0 or more, were %d, %d, %d"
              .formatted(queries, keys, offset));
    int[] ids = new int[Math.multiplyExact(queries, keys)];
    for (int i = 0; i < queries; i++)
      for (int j = 0; j < keys; j++) ids[i * keys + j] = bucket(j - (offset + i));
    return table.rows(ids).transpose(0, 1).reshape(table.size(1), queries, keys);
  }
}
