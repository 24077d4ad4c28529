package lemma.core.attention;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import lemma.core.kernel.VectorMath;

/// Tiles of four rows over 64 keys at a time, with the [online softmax][OnlineSoftmax].
///
/// A row is one head of one query. The rows of a tile share the keys and values that they read: the
/// heads of a group when one token is decoded, and neighbouring tokens as well in a prefill.
///
/// A row is always the same sums in the same order, whichever rows share its tile: heads, threads and
/// chunks of a prompt may be cut in any way and give the same bits.
public record VectorisedAttentionKernel() implements AttentionKernel {
  private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
  private static final int ROWS = 4;
  private static final int KEYS = Math.max(64, LANES.length()); // 32 KiB of keys at headDim 128

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
    AttentionKernel.check(layer, mask, q, queries, past, output, fromHead, toHead);
    int size = layer.groupSize();
    int headDim = past.headDim();
    Tile tile = new Tile(layer.attention(), headDim);
    for (int head = fromHead; head < toHead; ) {
      int keyValueHead = head / size;
      int heads = Math.min(toHead, (keyValueHead + 1) * size) - head;
      for (int row = 0; row < queries * heads; row += ROWS) {
        tile.rows = Math.min(ROWS, queries * heads - row);
        for (int r = 0; r < tile.rows; r++) {
          int t = (row + r) / heads;
          int at = (t * layer.heads() + head + (row + r) % heads) * headDim;
          int position = past.length() - queries + t;
          tile.open(r, q, at, mask, position);
        }
        for (int index = 0; index < past.blocks(); index++)
          tile.absorb(past.block(keyValueHead, index));
        for (int r = 0; r < tile.rows; r++) tile.close(r, output);
      }
      head += heads;
    }
  }

  /// The running state of up to four rows.
  private static final class Tile {
    private final ScaledDotProduct attention;
    private final int headDim;
    private final float[] q; // [ROWS, headDim], scaled
    private final float[] mixed; // [ROWS, headDim]: Σ exp(score − max)·value so far
    private final float[] scores = new float[ROWS * KEYS];
    private final float[] max = new float[ROWS];
    private final double[] sum = new double[ROWS];
    private final int[] at = new int[ROWS]; // where the row stands in q and in the output
    private final int[] none = new int[ROWS];
    private final int[] sinks = new int[ROWS]; // keys 0 … sinks of the row
    private final int[] first = new int[ROWS]; // and keys first … end
    private final int[] end = new int[ROWS];
    private int rows;

    Tile(ScaledDotProduct attention, int headDim) {
      this.attention = attention;
      this.headDim = headDim;
      q = new float[ROWS * headDim];
      mixed = new float[ROWS * headDim];
    }

    void open(int r, float[] queries, int from, AttentionMask.Interval mask, int position) {
      float scale = (float) attention.scale();
      for (int d = 0; d < headDim; d++) q[r * headDim + d] = queries[from + d] * scale;
      Arrays.fill(mixed, r * headDim, (r + 1) * headDim, 0);
      max[r] = Float.NEGATIVE_INFINITY;
      sum[r] = 0;
      at[r] = from;
      end[r] = mask.end(position);
      sinks[r] = Math.min(mask.sinks(), end[r]);
      first[r] = Math.max(mask.first(position), sinks[r]);
    }

    void close(int r, float[] output) {
      float scale = sum[r] == 0 ? 0 : (float) (1 / sum[r]);
      for (int d = 0; d < headDim; d++) output[at[r] + d] = mixed[r * headDim + d] * scale;
    }

    void absorb(KeyValues.Block block) {
      absorb(block, none, sinks);
      absorb(block, first, end);
    }

    /// Takes in the keys `first ≤ key < end` of a block that at least one row may look at.
    private void absorb(KeyValues.Block block, int[] first, int[] end) {
      int from = block.rows();
      int to = 0;
      for (int r = 0; r < rows; r++) {
        from = Math.min(from, Math.max(0, first[r] - block.firstPosition()));
        to = Math.max(to, Math.min(block.rows(), end[r] - block.firstPosition()));
      }
      if (from >= to) return;
      for (int i = from - from % KEYS; i < to; i += KEYS) { // the same steps for every tile
        int count = Math.min(KEYS, to - i);
        score(block.keys(), block.keysFrom() + i * headDim, count);
        for (int r = 0; r < rows; r++)
          weigh(r, first[r] - block.firstPosition() - i, end[r] - block.firstPosition() - i, count);
        mix(block.values(), block.valuesFrom() + i * headDim, count);
      }
    }

    private void score(float[] keys, int from, int count) {
      if (rows == ROWS) {
        for (int i = 0; i < count; i++) scoreFourRows(keys, from + i * headDim, i);
      } else {
        for (int r = 0; r < rows; r++) {
          int i = 0;
          for (; i <= count - 4; i += 4) scoreFourKeys(r, keys, from + i * headDim, i);
          for (; i < count; i++) scores[r * KEYS + i] = dot(r, keys, from + i * headDim);
        }
      }
    }

    private void scoreFourRows(float[] keys, int from, int i) {
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      var sum2 = FloatVector.zero(LANES);
      var sum3 = FloatVector.zero(LANES);
      int d = 0;
      for (int bound = LANES.loopBound(headDim); d < bound; d += LANES.length()) {
        var key = FloatVector.fromArray(LANES, keys, from + d);
        sum0 = key.fma(FloatVector.fromArray(LANES, q, d), sum0);
        sum1 = key.fma(FloatVector.fromArray(LANES, q, headDim + d), sum1);
        sum2 = key.fma(FloatVector.fromArray(LANES, q, 2 * headDim + d), sum2);
        sum3 = key.fma(FloatVector.fromArray(LANES, q, 3 * headDim + d), sum3);
      }
      float score0 = VectorMath.sum(sum0);
      float score1 = VectorMath.sum(sum1);
      float score2 = VectorMath.sum(sum2);
      float score3 = VectorMath.sum(sum3);
      for (; d < headDim; d++) {
        float key = keys[from + d];
        score0 += key * q[d];
        score1 += key * q[headDim + d];
        score2 += key * q[2 * headDim + d];
        score3 += key * q[3 * headDim + d];
      }
      scores[i] = score0;
      scores[KEYS + i] = score1;
      scores[2 * KEYS + i] = score2;
      scores[3 * KEYS + i] = score3;
    }

    private void scoreFourKeys(int r, float[] keys, int from, int i) {
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      var sum2 = FloatVector.zero(LANES);
      var sum3 = FloatVector.zero(LANES);
      int row = r * headDim;
      int d = 0;
      for (int bound = LANES.loopBound(headDim); d < bound; d += LANES.length()) {
        var query = FloatVector.fromArray(LANES, q, row + d);
        sum0 = query.fma(FloatVector.fromArray(LANES, keys, from + d), sum0);
        sum1 = query.fma(FloatVector.fromArray(LANES, keys, from + headDim + d), sum1);
        sum2 = query.fma(FloatVector.fromArray(LANES, keys, from + 2 * headDim + d), sum2);
        sum3 = query.fma(FloatVector.fromArray(LANES, keys, from + 3 * headDim + d), sum3);
      }
      float score0 = VectorMath.sum(sum0);
      float score1 = VectorMath.sum(sum1);
      float score2 = VectorMath.sum(sum2);
      float score3 = VectorMath.sum(sum3);
      for (; d < headDim; d++) {
        float query = q[row + d];
        score0 += query * keys[from + d];
        score1 += query * keys[from + headDim + d];
        score2 += query * keys[from + 2 * headDim + d];
        score3 += query * keys[from + 3 * headDim + d];
      }
      int to = r * KEYS + i;
      scores[to] = score0;
      scores[to + 1] = score1;
      scores[to + 2] = score2;
      scores[to + 3] = score3;
    }

    private float dot(int r, float[] keys, int from) {
      var lanes = FloatVector.zero(LANES);
      int row = r * headDim;
      int d = 0;
      for (int bound = LANES.loopBound(headDim); d < bound; d += LANES.length())
        lanes =
            FloatVector.fromArray(LANES, q, row + d)
                .fma(FloatVector.fromArray(LANES, keys, from + d), lanes);
      float dot = VectorMath.sum(lanes);
      for (; d < headDim; d++) dot += q[row + d] * keys[from + d];
      return dot;
    }

    /// Turns the scores of a row into exp(score − max), 0 where hidden, and rescales what the row
    /// has gathered if its maximum rose. The row sees scores `first` to `end` of the `count`.
    private void weigh(int r, int first, int end, int count) {
      int from = r * KEYS;
      int to = from + count;
      if (attention.softCap() < Double.POSITIVE_INFINITY)
        for (int i = from; i < to; i++) scores[i] = (float) attention.cap(scores[i]);
      int before = Math.clamp(first, 0, count);
      int after = Math.clamp(end, before, count);
      Arrays.fill(scores, from, from + before, Float.NEGATIVE_INFINITY);
      Arrays.fill(scores, from + after, from + KEYS, Float.NEGATIVE_INFINITY);

      var largest = FloatVector.broadcast(LANES, max[r]);
      for (int i = from; i < to; i += LANES.length())
        largest = largest.max(FloatVector.fromArray(LANES, scores, i));
      float newMax = largest.reduceLanes(VectorOperators.MAX);
      if (newMax == Float.NEGATIVE_INFINITY) { // nothing seen so far
        Arrays.fill(scores, from, to, 0);
        return;
      }
      if (newMax != max[r]) {
        float shrink = (float) Math.exp(max[r] - newMax);
        sum[r] *= shrink;
        for (int d = r * headDim; d < (r + 1) * headDim; d++) mixed[d] *= shrink;
        max[r] = newMax;
      }
      var total = FloatVector.zero(LANES);
      for (int i = from; i < to; i += LANES.length()) {
        var weight = VectorMath.exp(FloatVector.fromArray(LANES, scores, i).sub(newMax));
        weight.intoArray(scores, i);
        total = total.add(weight);
      }
      sum[r] += VectorMath.sum(total);
    }

    private void mix(float[] values, int from, int count) {
      int step = LANES.length();
      int d = 0;
      if (rows == ROWS) {
        for (; d <= headDim - step; d += step) mixFourRows(values, from + d, count, d);
      } else {
        for (; d <= headDim - 4 * step; d += 4 * step)
          for (int r = 0; r < rows; r++) mixFourColumns(r, values, from + d, count, d);
      }
      for (; d < headDim; d += step) {
        var lanes = LANES.indexInRange(d, headDim);
        for (int r = 0; r < rows; r++) mixColumn(r, values, from + d, count, d, lanes);
      }
    }

    private void mixFourRows(float[] values, int from, int count, int d) {
      var mixed0 = FloatVector.fromArray(LANES, mixed, d);
      var mixed1 = FloatVector.fromArray(LANES, mixed, headDim + d);
      var mixed2 = FloatVector.fromArray(LANES, mixed, 2 * headDim + d);
      var mixed3 = FloatVector.fromArray(LANES, mixed, 3 * headDim + d);
      for (int i = 0; i < count; i++) {
        var value = FloatVector.fromArray(LANES, values, from + i * headDim);
        mixed0 = value.fma(FloatVector.broadcast(LANES, scores[i]), mixed0);
        mixed1 = value.fma(FloatVector.broadcast(LANES, scores[KEYS + i]), mixed1);
        mixed2 = value.fma(FloatVector.broadcast(LANES, scores[2 * KEYS + i]), mixed2);
        mixed3 = value.fma(FloatVector.broadcast(LANES, scores[3 * KEYS + i]), mixed3);
      }
      mixed0.intoArray(mixed, d);
      mixed1.intoArray(mixed, headDim + d);
      mixed2.intoArray(mixed, 2 * headDim + d);
      mixed3.intoArray(mixed, 3 * headDim + d);
    }

    private void mixFourColumns(int r, float[] values, int from, int count, int d) {
      int step = LANES.length();
      int to = r * headDim + d;
      var mixed0 = FloatVector.fromArray(LANES, mixed, to);
      var mixed1 = FloatVector.fromArray(LANES, mixed, to + step);
      var mixed2 = FloatVector.fromArray(LANES, mixed, to + 2 * step);
      var mixed3 = FloatVector.fromArray(LANES, mixed, to + 3 * step);
      for (int i = 0; i < count; i++) {
        var weight = FloatVector.broadcast(LANES, scores[r * KEYS + i]);
        int row = from + i * headDim;
        mixed0 = weight.fma(FloatVector.fromArray(LANES, values, row), mixed0);
        mixed1 = weight.fma(FloatVector.fromArray(LANES, values, row + step), mixed1);
        mixed2 = weight.fma(FloatVector.fromArray(LANES, values, row + 2 * step), mixed2);
        mixed3 = weight.fma(FloatVector.fromArray(LANES, values, row + 3 * step), mixed3);
      }
      mixed0.intoArray(mixed, to);
      mixed1.intoArray(mixed, to + step);
      mixed2.intoArray(mixed, to + 2 * step);
      mixed3.intoArray(mixed, to + 3 * step);
    }

    private void mixColumn(
        int r, float[] values, int from, int count, int d, VectorMask<Float> lanes) {
      var sum = FloatVector.fromArray(LANES, mixed, r * headDim + d, lanes);
      for (int i = 0; i < count; i++)
        sum =
            FloatVector.fromArray(LANES, values, from + i * headDim, lanes)
                .fma(FloatVector.broadcast(LANES, scores[r * KEYS + i]), sum);
      sum.intoArray(mixed, r * headDim + d, lanes);
    }
  }
}
