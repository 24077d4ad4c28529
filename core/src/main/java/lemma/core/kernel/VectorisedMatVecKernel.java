package lemma.core.kernel;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// Lanes: weights are widened in registers on their way from memory into the sum.
///
/// Two rows by one vector, or one row by four vectors, each element with one accumulator. The three
/// formats have the same two tiles, written out for each: a call that could go to several loaders is
/// not compiled into vector instructions.
record VectorisedMatVecKernel() implements MatVecKernel {
  private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> BITS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(LANES.vectorBitSize() / 2));
  private static final int STEP = LANES.length();

  @Override
  public void multiply(
      WeightMatrix w, float[] x, float[] y, int vectors, int firstRow, int lastRow) {
    int v = 0;
    for (; v + 4 <= vectors; v += 4)
      for (int i = firstRow; i < lastRow; i++)
        switch (w.format()) {
          case F32 -> F32.four(w, x, y, v, i);
          case F16 -> F16.four(w, x, y, v, i);
          case BF16 -> Bf16.four(w, x, y, v, i);
        }
    for (; v < vectors; v++)
      for (int i = firstRow; i < lastRow; i += 2) {
        int next = Math.min(i + 1, lastRow - 1); // a last row alone is computed twice
        switch (w.format()) {
          case F32 -> F32.pair(w, x, y, v, i, next);
          case F16 -> F16.pair(w, x, y, v, i, next);
          case BF16 -> Bf16.pair(w, x, y, v, i, next);
        }
      }
  }

  /// What is left of a row behind the last full lanes.
  private static float tail(WeightMatrix w, int i, float[] x, int xFrom, int from) {
    float sum = 0;
    for (int j = from; j < w.columns(); j++) sum = Math.fma(w.get(i, j), x[xFrom + j], sum);
    return sum;
  }

  /// Floats as they are.
  private static final class F32 {
    private static FloatVector load(MemorySegment bytes, long at) {
      return FloatVector.fromMemorySegment(LANES, bytes, 4 * at, ByteOrder.LITTLE_ENDIAN);
    }

    static void pair(WeightMatrix w, float[] x, float[] y, int v, int i0, int i1) {
      MemorySegment bytes = w.bytes();
      int columns = w.columns();
      int xFrom = v * columns;
      int bound = LANES.loopBound(columns);
      long w0 = (long) i0 * columns;
      long w1 = (long) i1 * columns;
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      for (int j = 0; j < bound; j += STEP) {
        var xj = FloatVector.fromArray(LANES, x, xFrom + j);
        sum0 = load(bytes, w0 + j).fma(xj, sum0);
        sum1 = load(bytes, w1 + j).fma(xj, sum1);
      }
      y[v * w.rows() + i0] = VectorMath.sum(sum0) + tail(w, i0, x, xFrom, bound);
      y[v * w.rows() + i1] = VectorMath.sum(sum1) + tail(w, i1, x, xFrom, bound);
    }

    static void four(WeightMatrix w, float[] x, float[] y, int v, int i) {
      MemorySegment bytes = w.bytes();
      int columns = w.columns();
      int bound = LANES.loopBound(columns);
      long wi = (long) i * columns;
      int x0 = v * columns;
      int x1 = x0 + columns;
      int x2 = x1 + columns;
      int x3 = x2 + columns;
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      var sum2 = FloatVector.zero(LANES);
      var sum3 = FloatVector.zero(LANES);
      for (int j = 0; j < bound; j += STEP) {
        var wj = load(bytes, wi + j);
        sum0 = wj.fma(FloatVector.fromArray(LANES, x, x0 + j), sum0);
        sum1 = wj.fma(FloatVector.fromArray(LANES, x, x1 + j), sum1);
        sum2 = wj.fma(FloatVector.fromArray(LANES, x, x2 + j), sum2);
        sum3 = wj.fma(FloatVector.fromArray(LANES, x, x3 + j), sum3);
      }
      int at = v * w.rows() + i;
      y[at] = VectorMath.sum(sum0) + tail(w, i, x, x0, bound);
      y[at + w.rows()] = VectorMath.sum(sum1) + tail(w, i, x, x1, bound);
      y[at + 2 * w.rows()] = VectorMath.sum(sum2) + tail(w, i, x, x2, bound);
      y[at + 3 * w.rows()] = VectorMath.sum(sum3) + tail(w, i, x, x3, bound);
    }
  }

  /// Sign, exponent and mantissa move to their places in a float; the product with 2¹¹² = 2^(127−15)
  /// rebiases the exponent and is exact for subnormals, too. Exponent 31, ∞ and NaN, becomes 255.
  private static final class F16 {
    private static FloatVector load(MemorySegment bytes, long at) {
      var halves = ShortVector.fromMemorySegment(HALVES, bytes, 2 * at, ByteOrder.LITTLE_ENDIAN);
      var bits = (IntVector) halves.convertShape(VectorOperators.S2I, BITS, 0);
      var finite =
          bits.lanewise(VectorOperators.LSHL, 13)
              .and(0x8FFFE000)
              .reinterpretAsFloats()
              .mul(0x1p112f);
      var special = bits.and(0x7FFF).compare(VectorOperators.GE, 0x7C00).cast(LANES);
      return finite.blend(finite.reinterpretAsInts().or(0x7F800000).reinterpretAsFloats(), special);
    }

    static void pair(WeightMatrix w, float[] x, float[] y, int v, int i0, int i1) {
      MemorySegment bytes = w.bytes();
      int columns = w.columns();
      int xFrom = v * columns;
      int bound = LANES.loopBound(columns);
      long w0 = (long) i0 * columns;
      long w1 = (long) i1 * columns;
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      for (int j = 0; j < bound; j += STEP) {
        var xj = FloatVector.fromArray(LANES, x, xFrom + j);
        sum0 = load(bytes, w0 + j).fma(xj, sum0);
        sum1 = load(bytes, w1 + j).fma(xj, sum1);
      }
      y[v * w.rows() + i0] = VectorMath.sum(sum0) + tail(w, i0, x, xFrom, bound);
      y[v * w.rows() + i1] = VectorMath.sum(sum1) + tail(w, i1, x, xFrom, bound);
    }

    static void four(WeightMatrix w, float[] x, float[] y, int v, int i) {
      MemorySegment bytes = w.bytes();
      int columns = w.columns();
      int bound = LANES.loopBound(columns);
      long wi = (long) i * columns;
      int x0 = v * columns;
      int x1 = x0 + columns;
      int x2 = x1 + columns;
      int x3 = x2 + columns;
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      var sum2 = FloatVector.zero(LANES);
      var sum3 = FloatVector.zero(LANES);
      for (int j = 0; j < bound; j += STEP) {
        var wj = load(bytes, wi + j);
        sum0 = wj.fma(FloatVector.fromArray(LANES, x, x0 + j), sum0);
        sum1 = wj.fma(FloatVector.fromArray(LANES, x, x1 + j), sum1);
        sum2 = wj.fma(FloatVector.fromArray(LANES, x, x2 + j), sum2);
        sum3 = wj.fma(FloatVector.fromArray(LANES, x, x3 + j), sum3);
      }
      int at = v * w.rows() + i;
      y[at] = VectorMath.sum(sum0) + tail(w, i, x, x0, bound);
      y[at + w.rows()] = VectorMath.sum(sum1) + tail(w, i, x, x1, bound);
      y[at + 2 * w.rows()] = VectorMath.sum(sum2) + tail(w, i, x, x2, bound);
      y[at + 3 * w.rows()] = VectorMath.sum(sum3) + tail(w, i, x, x3, bound);
    }
  }

  /// A bfloat16 is the upper half of a float.
  private static final class Bf16 {
    private static FloatVector load(MemorySegment bytes, long at) {
      var halves = ShortVector.fromMemorySegment(HALVES, bytes, 2 * at, ByteOrder.LITTLE_ENDIAN);
      var bits = (IntVector) halves.convertShape(VectorOperators.ZERO_EXTEND_S2I, BITS, 0);
      return bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    static void pair(WeightMatrix w, float[] x, float[] y, int v, int i0, int i1) {
      MemorySegment bytes = w.bytes();
      int columns = w.columns();
      int xFrom = v * columns;
      int bound = LANES.loopBound(columns);
      long w0 = (long) i0 * columns;
      long w1 = (long) i1 * columns;
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      for (int j = 0; j < bound; j += STEP) {
        var xj = FloatVector.fromArray(LANES, x, xFrom + j);
        sum0 = load(bytes, w0 + j).fma(xj, sum0);
        sum1 = load(bytes, w1 + j).fma(xj, sum1);
      }
      y[v * w.rows() + i0] = VectorMath.sum(sum0) + tail(w, i0, x, xFrom, bound);
      y[v * w.rows() + i1] = VectorMath.sum(sum1) + tail(w, i1, x, xFrom, bound);
    }

    static void four(WeightMatrix w, float[] x, float[] y, int v, int i) {
      MemorySegment bytes = w.bytes();
      int columns = w.columns();
      int bound = LANES.loopBound(columns);
      long wi = (long) i * columns;
      int x0 = v * columns;
      int x1 = x0 + columns;
      int x2 = x1 + columns;
      int x3 = x2 + columns;
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      var sum2 = FloatVector.zero(LANES);
      var sum3 = FloatVector.zero(LANES);
      for (int j = 0; j < bound; j += STEP) {
        var wj = load(bytes, wi + j);
        sum0 = wj.fma(FloatVector.fromArray(LANES, x, x0 + j), sum0);
        sum1 = wj.fma(FloatVector.fromArray(LANES, x, x1 + j), sum1);
        sum2 = wj.fma(FloatVector.fromArray(LANES, x, x2 + j), sum2);
        sum3 = wj.fma(FloatVector.fromArray(LANES, x, x3 + j), sum3);
      }
      int at = v * w.rows() + i;
      y[at] = VectorMath.sum(sum0) + tail(w, i, x, x0, bound);
      y[at + w.rows()] = VectorMath.sum(sum1) + tail(w, i, x, x1, bound);
      y[at + 2 * w.rows()] = VectorMath.sum(sum2) + tail(w, i, x, x2, bound);
      y[at + 3 * w.rows()] = VectorMath.sum(sum3) + tail(w, i, x, x3, bound);
    }
  }
}
