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

/// A quantised row times one vector, in the order of [VectorisedMatVecKernel]: integers are taken out
/// of their blocks, scaled to the very floats that decoding gives, and multiplied, all in registers.
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

  static float dot(WeightMatrix w, int i, float[] x) {
    long row = i * w.rowBytes();
    return switch (w.type()) {
      case Q8_0 -> q8_0(w.bytes(), row, x, w.columns());
      case Q4_0 -> q4_0(w.bytes(), row, x, w.columns());
      case Q4_1 -> q4_1(w.bytes(), row, x, w.columns());
      case Q4_K -> q4_k(w.bytes(), row, x, w.columns());
      case Q6_K -> q6_k(w.bytes(), row, x, w.columns());
      default -> throw new IllegalArgumentException(w.type() + " has no blocks");
    };
  }

  private static float q8_0(MemorySegment bytes, long at, float[] x, int columns) {
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = 0; j < columns; j += 32, at += 34) {
      float d = half(bytes, at);
      for (int k = 0; k < HALF; k += STEP) {
        first = signed(bytes, at + 2 + k).mul(d).fma(load(x, j + k), first);
        second = signed(bytes, at + 2 + HALF + k).mul(d).fma(load(x, j + HALF + k), second);
      }
    }
    return VectorMath.sum(first.add(second));
  }

  private static float q4_0(MemorySegment bytes, long at, float[] x, int columns) {
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = 0; j < columns; j += 32, at += 18) {
      float d = half(bytes, at);
      for (int k = 0; k < HALF; k += STEP) {
        var pairs = unsigned(bytes, at + 2 + k);
        first = floats(pairs.and(15).sub(8)).mul(d).fma(load(x, j + k), first);
        second =
            floats(pairs.lanewise(VectorOperators.LSHR, 4).sub(8))
                .mul(d)
                .fma(load(x, j + HALF + k), second);
      }
    }
    return VectorMath.sum(first.add(second));
  }

  private static float q4_1(MemorySegment bytes, long at, float[] x, int columns) {
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = 0; j < columns; j += 32, at += 20) {
      float d = half(bytes, at);
      float m = half(bytes, at + 2);
      for (int k = 0; k < HALF; k += STEP) {
        var pairs = unsigned(bytes, at + 4 + k);
        first = floats(pairs.and(15)).mul(d).add(m).fma(load(x, j + k), first);
        second =
            floats(pairs.lanewise(VectorOperators.LSHR, 4))
                .mul(d)
                .add(m)
                .fma(load(x, j + HALF + k), second);
      }
    }
    return VectorMath.sum(first.add(second));
  }

  private static float q4_k(MemorySegment bytes, long at, float[] x, int columns) {
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = 0; j < columns; j += 256, at += 144) {
      float d = half(bytes, at);
      float dMinimum = half(bytes, at + 2);
      for (int r = 0; r < 8; r++) {
        float scale = d * Q4_K.scale(bytes, at, r);
        float minimum = dMinimum * Q4_K.minimum(bytes, at, r);
        long levels = at + 16 + 32 * (r / 2);
        int shift = 4 * (r % 2);
        int xFrom = j + 32 * r;
        for (int k = 0; k < HALF; k += STEP) {
          first =
              floats(bits(bytes, levels + k, shift, 15))
                  .mul(scale)
                  .sub(minimum)
                  .fma(load(x, xFrom + k), first);
          second =
              floats(bits(bytes, levels + HALF + k, shift, 15))
                  .mul(scale)
                  .sub(minimum)
                  .fma(load(x, xFrom + HALF + k), second);
        }
      }
    }
    return VectorMath.sum(first.add(second));
  }

  private static float q6_k(MemorySegment bytes, long at, float[] x, int columns) {
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = 0; j < columns; j += 256, at += 210) {
      float d = half(bytes, at + 208);
      for (int group = 0; group < 8; group++) { // of 32 weights: two runs of 16
        int quarter = group % 4;
        long low = at + 64 * (group / 4) + 32 * (quarter % 2);
        long upper = at + 128 + 32 * (group / 4);
        float scale0 = d * bytes.get(ValueLayout.JAVA_BYTE, at + 192 + 2 * group);
        float scale1 = d * bytes.get(ValueLayout.JAVA_BYTE, at + 193 + 2 * group);
        int xFrom = j + 32 * group;
        for (int k = 0; k < HALF; k += STEP) {
          first =
              floats(sixBits(bytes, low + k, upper + k, quarter))
                  .mul(scale0)
                  .fma(load(x, xFrom + k), first);
          second =
              floats(sixBits(bytes, low + HALF + k, upper + HALF + k, quarter))
                  .mul(scale1)
                  .fma(load(x, xFrom + HALF + k), second);
        }
      }
    }
    return VectorMath.sum(first.add(second));
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

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(LANES, x, at);
  }
}
