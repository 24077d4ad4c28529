package lemma.core.attention;

import lemma.core.tensor.Tensor;

/// The scores of [FlashAttention], made a tile at a time by its forward and its backward pass.
///
/// @param offset the position of the first query
record ScoreTiles(ScaledDotProduct attention, Tensor q, Tensor k, AttentionMask mask, int offset) {

  /// Checks the operands; the queries end where the keys end.
  static ScoreTiles of(
      ScaledDotProduct attention, Tensor q, Tensor k, Tensor v, AttentionMask mask) {
    if (q.rank() != 2 || k.rank() != 2 || v.rank() != 2)
      throw new IllegalArgumentException("q %s, k %s and v %s must be matrices".formatted(q, k, v));
    if (q.size(1) != k.size(1))
      throw new IllegalArgumentException("q %s and k %s: head sizes must match".formatted(q, k));
    if (k.size(0) != v.size(0))
      throw new IllegalArgumentException("k %s and v %s: lengths must match".formatted(k, v));
    boolean anywhere = // it does not ask where a query stands
        mask instanceof AttentionMask.Bidirectional || mask instanceof AttentionMask.Padding;
    if (!anywhere && q.size(0) > k.size(0))
      throw new IllegalArgumentException(
          "q %s and k %s: more queries than keys have no place in the text".formatted(q, k));
    return new ScoreTiles(attention, q, k, mask, anywhere ? 0 : k.size(0) - q.size(0));
  }

  /// Writes the scores of queries `from … to` and keys `first … end` into `tile`, row by row, −∞
  /// where hidden; false if all are.
  boolean fill(double[] tile, int from, int to, int first, int end) {
    int dim = q.size(1);
    boolean any = false;
    for (int i = from, at = 0; i < to; i++)
      for (int j = first; j < end; j++, at++) {
        tile[at] = Double.NEGATIVE_INFINITY;
        if (!mask.allows(offset + i, j)) continue;
        double dot = 0;
        for (int d = 0; d < dim; d++) dot += q.data()[i * dim + d] * k.data()[j * dim + d];
        tile[at] = attention.score(dot);
        any = true;
      }
    return any;
  }
}
