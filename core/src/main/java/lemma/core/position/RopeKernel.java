package lemma.core.position;

import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import lemma.core.kernel.Lanes;

/// [Rope] of the heads of one token, in place on floats: the plain loop, then the lanes.
///
/// Six floating-point operations for two loads and two stores: it is bound by memory traffic. All
/// heads turn by the same angles, so a row of the [RopeTable] is read once for all of them.
public sealed interface RopeKernel {

  /// Rotates `heads` heads of `headDim` floats that begin at `x[from]` by the angles of `position`.
  ///
  /// @throws IndexOutOfBoundsException if the heads do not fit the array or the table ends before
  ///     `position`
  void rotate(RopeTable table, float[] x, int from, int heads, int position);

  /// The fastest form that this JVM can run.
  static RopeKernel best() {
    return Lanes.available() ? new Vectorised() : new Scalar();
  }

  private static void check(RopeTable table, float[] x, int from, int heads, int position) {
    Objects.checkIndex(position, table.length);
    if (heads < 0) throw new IndexOutOfBoundsException("heads " + heads);
    long count = (long) heads * table.rope.headDim();
    Objects.checkFromIndexSize(from, count, (long) x.length);
  }

  private static void halves(
      RopeTable table, int row, float[] x, int from, int heads, int firstPair) {
    int half = table.width;
    int headDim = table.rope.headDim();
    for (int h = 0, head = from; h < heads; h++, head += headDim)
      for (int i = firstPair; i < half; i++) {
        float a = x[head + i];
        float b = x[head + half + i];
        float cos = table.cos[row + i];
        float sin = table.sin[row + i];
        x[head + i] = a * cos - b * sin;
        x[head + half + i] = b * cos + a * sin;
      }
  }

  private static void interleaved(
      RopeTable table, int row, float[] x, int from, int heads, int firstChannel) {
    int headDim = table.rope.headDim();
    for (int h = 0, head = from; h < heads; h++, head += headDim)
      for (int i = firstChannel; i < table.width; i += 2) {
        float a = x[head + i];
        float b = x[head + i + 1];
        float cos = table.cos[row + i];
        float sin = table.sin[row + i + 1];
        x[head + i] = a * cos - b * sin;
        x[head + i + 1] = b * cos + a * sin;
      }
  }

  /// A loop over the heads and one over the pairs.
  record Scalar() implements RopeKernel {
    @Override
    public void rotate(RopeTable table, float[] x, int from, int heads, int position) {
      check(table, x, from, heads, position);
      int row = position * table.width;
      switch (table.rope.layout()) {
        case HALVES -> halves(table, row, x, from, heads, 0);
        case INTERLEAVED -> interleaved(table, row, x, from, heads, 0);
      }
    }
  }

  /// As many pairs at once as there are lanes; their cosines stay in registers from head to head.
  record Vectorised() implements RopeKernel {
    private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
    private static final VectorShuffle<Float> SWAP = VectorShuffle.fromOp(LANES, lane -> lane ^ 1);

    @Override
    public void rotate(RopeTable table, float[] x, int from, int heads, int position) {
      check(table, x, from, heads, position);
      int row = position * table.width;
      int bound = LANES.loopBound(table.width);
      switch (table.rope.layout()) {
        case HALVES -> {
          for (int i = 0; i < bound; i += LANES.length()) halfLanes(table, row, x, from, heads, i);
          halves(table, row, x, from, heads, bound);
        }
        case INTERLEAVED -> {
          for (int i = 0; i < bound; i += LANES.length()) pairLanes(table, row, x, from, heads, i);
          interleaved(table, row, x, from, heads, bound);
        }
      }
    }

    private static void halfLanes(
        RopeTable table, int row, float[] x, int from, int heads, int pair) {
      var cos = FloatVector.fromArray(LANES, table.cos, row + pair);
      var sin = FloatVector.fromArray(LANES, table.sin, row + pair);
      int headDim = table.rope.headDim();
      int half = table.width;
      for (int h = 0, at = from + pair; h < heads; h++, at += headDim) {
        var a = FloatVector.fromArray(LANES, x, at);
        var b = FloatVector.fromArray(LANES, x, at + half);
        a.mul(cos).sub(b.mul(sin)).intoArray(x, at);
        b.mul(cos).add(a.mul(sin)).intoArray(x, at + half);
      }
    }

    private static void pairLanes(
        RopeTable table, int row, float[] x, int from, int heads, int channel) {
      var cos = FloatVector.fromArray(LANES, table.cos, row + channel);
      var sin = FloatVector.fromArray(LANES, table.sin, row + channel);
      int headDim = table.rope.headDim();
      for (int h = 0, at = from + channel; h < heads; h++, at += headDim) {
        var points = FloatVector.fromArray(LANES, x, at);
        points.mul(cos).add(points.rearrange(SWAP).mul(sin)).intoArray(x, at);
      }
    }
  }
}
