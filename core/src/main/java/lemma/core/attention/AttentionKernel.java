package lemma.core.attention;

import java.util.Objects;
import lemma.core.kernel.Lanes;

/// [GroupedQuery] attention on floats, over cached keys and values: a token of decoding, or a run of
/// tokens at once.
///
/// | operand | shape | |
/// |---|---|---|
/// | `q`, `output` | `[queries, heads, headDim]` | as the projections give and take them |
/// | `past` | `[keyValueHeads, length, headDim]` | the queries' own keys and values among them |
///
/// The queries are the last of the text: query t stands at position length − queries + t. The
/// heads of a group read the same keys and values, so one pass over these serves the whole group.
/// For one query it is 4·heads·length·headDim floating-point operations on
/// 8·keyValueHeads·length·headDim bytes: bound by memory, the more so the smaller the group.
///
/// Memory does not grow with the text in the vectorised form: scores live 64 keys at a time.
public sealed interface AttentionKernel permits AttentionKernel.Scalar, VectorisedAttentionKernel {

  /// Attention of the query heads `fromHead ≤ head < toHead`; threads may share the heads.
  ///
  /// @throws IllegalArgumentException if heads or head sizes of `layer`, `past` and `q` differ, or
  ///     there are more queries than positions and the mask depends on positions
  /// @throws IndexOutOfBoundsException if the range of heads or an array does not fit
  void apply(
      GroupedQuery layer,
      AttentionMask.Interval mask,
      float[] q,
      int queries,
      KeyValues past,
      float[] output,
      int fromHead,
      int toHead);

  /// Attention of all heads.
  default void apply(
      GroupedQuery layer,
      AttentionMask.Interval mask,
      float[] q,
      int queries,
      KeyValues past,
      float[] output) {
    apply(layer, mask, q, queries, past, output, 0, layer.heads());
  }

  /// The fastest form that this JVM can run.
  static AttentionKernel best() {
    return Lanes.available() ? new VectorisedAttentionKernel() : new Scalar();
  }

  /// Refuses operands that do not fit each other.
  static void check(
      GroupedQuery layer,
      AttentionMask.Interval mask,
      float[] q,
      int queries,
      KeyValues past,
      float[] output,
      int fromHead,
      int toHead) {
    if (past.heads() != layer.keyValueHeads())
      throw new IllegalArgumentException(
          "past has %d key/value heads, the layer %d"
              .formatted(past.heads(), layer.keyValueHeads()));
    if (queries > past.length() && !(mask instanceof AttentionMask.Bidirectional))
      throw new IllegalArgumentException(
          "%d queries after %d positions have no place in the text"
              .formatted(queries, past.length()));
    Objects.checkFromToIndex(fromHead, toHead, layer.heads());
    long count = Math.multiplyExact((long) queries * layer.heads(), past.headDim());
    Objects.checkFromIndexSize(0, count, (long) q.length);
    Objects.checkFromIndexSize(0, count, (long) output.length);
  }

  /// One head of one query at a time: all scores in double, then softmax, then the mean.
  record Scalar() implements AttentionKernel {
    @Override
    public void apply(
        GroupedQuery layer,
        AttentionMask.Interval mask,
        float[] q,
        int queries,
        KeyValues past,
        float[] output,
        int fromHead,
        int toHead) {
      check(layer, mask, q, queries, past, output, fromHead, toHead);
      int headDim = past.headDim();
      for (int t = 0; t < queries; t++) {
        int position = past.length() - queries + t;
        for (int head = fromHead; head < toHead; head++) {
          int at = (t * layer.heads() + head) * headDim;
          attend(layer, mask, position, q, at, past, head / layer.groupSize(), output);
        }
      }
    }

    private static void attend(
        GroupedQuery layer,
        AttentionMask.Interval mask,
        int position,
        float[] q,
        int at,
        KeyValues past,
        int keyValueHead,
        float[] output) {
      int headDim = past.headDim();
      double[] scores = new double[visible(mask, position, past.length())];
      double max = Double.NEGATIVE_INFINITY;
      int n = 0;
      for (int index = 0; index < past.blocks(); index++) {
        var block = past.block(keyValueHead, index);
        for (int i = 0; i < block.rows(); i++) {
          if (!mask.allows(position, block.firstPosition() + i)) continue;
          scores[n] = layer.attention().score(dot(q, at, block, i, headDim));
          max = Math.max(max, scores[n++]);
        }
      }
      double sum = 0;
      for (int i = 0; i < n; i++) sum += scores[i] = Math.exp(scores[i] - max);
      double[] mixed = new double[headDim];
      n = 0;
      for (int index = 0; index < past.blocks(); index++) {
        var block = past.block(keyValueHead, index);
        for (int i = 0; i < block.rows(); i++) {
          if (!mask.allows(position, block.firstPosition() + i)) continue;
          double weight = scores[n++];
          for (int d = 0; d < headDim; d++)
            mixed[d] += weight * block.values()[block.valuesFrom() + i * headDim + d];
        }
      }
      for (int d = 0; d < headDim; d++) output[at + d] = n == 0 ? 0 : (float) (mixed[d] / sum);
    }

    /// The most keys that the query at a position may look at.
    private static int visible(AttentionMask.Interval mask, int position, int length) {
      int end = Math.min(length, mask.end(position));
      int sinks = Math.min(mask.sinks(), end);
      return sinks + Math.max(0, end - Math.max(mask.first(position), sinks));
    }

    private static double dot(float[] q, int at, KeyValues.Block block, int row, int headDim) {
      float[] keys = block.keys();
      int from = block.keysFrom() + row * headDim;
      double sum = 0;
      for (int d = 0; d < headDim; d++) sum += (double) q[at + d] * keys[from + d];
      return sum;
    }
  }
}
