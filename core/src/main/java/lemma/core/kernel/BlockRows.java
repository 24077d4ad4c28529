package lemma.core.kernel;

import static lemma.core.kernel.VectorisedMatVecKernel.HALF;
import static lemma.core.kernel.VectorisedMatVecKernel.LANES;
import static lemma.core.kernel.VectorisedMatVecKernel.STEP;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import lemma.core.format.Q4_K;

/// A quantised row, taken through registers by a [RowUse]: integers come out of their blocks and are
/// scaled to the very floats that [lemma.core.format.BlockFormat] decodes.
///
/// The layouts are those of [lemma.core.format.BlockFormat].
final class BlockRows {
  /// Whether the lanes fit: a byte for each fills a register of its own from 8 lanes on, and half a
  /// block of 32 has no more than 16.
  static final boolean AVAILABLE = STEP >= 8 && HALF == 16;

  private static final VectorSpecies<Byte> BYTES =
      VectorSpecies.of(
          byte.class, VectorShape.forBitSize(AVAILABLE ? LANES.vectorBitSize() / 4 : 64));
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private BlockRows() {}

  static float take(WeightMatrix w, int i, RowUse use, float[] x, int from) {
    long row = i * w.rowBytes();
    return switch (w.type()) {
      case Q8_0 -> q8_0(w.bytes(), row, use, x, from, w.columns());
      case Q4_0 -> q4_0(w.bytes(), row, use, x, from, w.columns());
      case Q4_1 -> q4_1(w.bytes(), row, use, x, from, w.columns());
      case Q4_K -> q4_k(w.bytes(), row, use, x, from, w.columns());
      case Q6_K -> q6_k(w.bytes(), row, use, x, from, w.columns());
      default -> throw new IllegalArgumentException(w.type() + " has no blocks");
    };
  }

  private static float q8_0(
      MemorySegment bytes, long at, RowUse use, float[] x, int from, int columns) {
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = from; j < from + columns; j += 32, at += 34) {
      float d = half(bytes, at);
      for (int k = 0; k < HALF; k += STEP) {
        first = use.take(signed(bytes, at + 2 + k).mul(d), x, j + k, first);
        second = use.take(signed(bytes, at + 2 + HALF + k).mul(d), x, j + HALF + k, second);
      }
    }
    return VectorMath.sum(first.add(second));
  }

  private static float q4_0(
      MemorySegment bytes, long at, RowUse use, float[] x, int from, int columns) {
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = from; j < from + columns; j += 32, at += 18) {
      float d = half(bytes, at);
      for (int k = 0; k < HALF; k += STEP) {
        var pairs = unsigned(bytes, at + 2 + k);
        var low = floats(pairs.and(15).sub(8));
        var high = floats(pairs.lanewise(VectorOperators.LSHR, 4).sub(8));
        first = use.take(low.mul(d), x, j + k, first);
        second = use.take(high.mul(d), x, j + HALF + k, second);
      }
    }
    return VectorMath.sum(first.add(second));
  }

  private static float q4_1(
      MemorySegment bytes, long at, RowUse use, float[] x, int from, int columns) {
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = from; j < from + columns; j += 32, at += 20) {
      float d = half(bytes, at);
      float m = half(bytes, at + 2);
      for (int k = 0; k < HALF; k += STEP) {
        var pairs = unsigned(bytes, at + 4 + k);
        var low = floats(pairs.and(15));
        var high = floats(pairs.lanewise(VectorOperators.LSHR, 4));
        first = use.take(low.mul(d).add(m), x, j + k, first);
        second = use.take(high.mul(d).add(m), x, j + HALF + k, second);
      }
    }
    return VectorMath.sum(first.add(second));
  }

  private static float q4_k(
      MemorySegment bytes, long at, RowUse use, float[] x, int from, int columns) {
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = from; j < from + columns; j += 256, at += 144) {
      float d = half(bytes, at);
      float dMinimum = half(bytes, at + 2);
      var scales = Q4_K.Scales.of(bytes, at);
      for (int r = 0; r < 8; r++) {
        float s = d * scales.scale(r);
        float m = dMinimum * scales.minimum(r);
        long levels = at + 16 + 32 * (r / 2);
        int shift = 4 * (r % 2);
        int to = j + 32 * r;
        for (int k = 0; k < HALF; k += STEP) {
          var low = floats(bits(bytes, levels + k, shift, 15));
          var high = floats(bits(bytes, levels + HALF + k, shift, 15));
          first = use.take(low.mul(s).sub(m), x, to + k, first);
          second = use.take(high.mul(s).sub(m), x, to + HALF + k, second);
        }
      }
    }
    return VectorMath.sum(first.add(second));
  }

  /// Runs of 16 go to the two sums in turn, one run in the loop at a time: with two, the compiler
  /// would have too much to inline.
  private static float q6_k(
      MemorySegment bytes, long at, RowUse use, float[] x, int from, int columns) {
    var next = FloatVector.zero(LANES);
    var other = FloatVector.zero(LANES);
    for (int j = from; j < from + columns; j += 256, at += 210) {
      float d = half(bytes, at + 208);
      for (int r = 0; r < 16; r++) {
        int quarter = r / 2 % 4;
        long low = at + 64 * (r / 8) + 32 * (quarter % 2) + 16 * (r % 2);
        long upper = at + 128 + 32 * (r / 8) + 16 * (r % 2);
        float s = d * bytes.get(ValueLayout.JAVA_BYTE, at + 192 + r);
        for (int k = 0; k < HALF; k += STEP) {
          var levels = floats(sixBits(bytes, low + k, upper + k, quarter));
          next = use.take(levels.mul(s), x, j + 16 * r + k, next);
        }
        var turn = next;
        next = other;
        other = turn;
      }
    }
    return VectorMath.sum(next.add(other));
  }

  private static IntVector sixBits(MemorySegment bytes, long low, long upper, int quarter) {
    return bits(bytes, low, 4 * (quarter / 2), 15)
        .or(bits(bytes, upper, 2 * quarter, 3).lanewise(VectorOperators.LSHL, 4))
        .sub(32);
  }

  /// Some bits of each of the bytes from `at` on.
  private static IntVector bits(MemorySegment bytes, long at, int shift, int mask) {
    return unsigned(bytes, at).lanewise(VectorOperators.LSHR, shift).and(mask);
  }

  private static IntVector unsigned(MemorySegment bytes, long at) {
    return (IntVector)
        ByteVector.fromMemorySegment(BYTES, bytes, at, ByteOrder.LITTLE_ENDIAN)
            .convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
  }

  private static FloatVector signed(MemorySegment bytes, long at) {
    return (FloatVector)
        ByteVector.fromMemorySegment(BYTES, bytes, at, ByteOrder.LITTLE_ENDIAN)
            .convertShape(VectorOperators.B2F, LANES, 0);
  }

  private static FloatVector floats(IntVector levels) {
    return (FloatVector) levels.convert(VectorOperators.I2F, 0);
  }

  private static float half(MemorySegment bytes, long at) {
    return Float.float16ToFloat(bytes.get(SHORT, at));
  }
}
