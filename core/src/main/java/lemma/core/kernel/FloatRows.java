package lemma.core.kernel;

import static lemma.core.kernel.VectorisedMatVecKernel.GROUP;
import static lemma.core.kernel.VectorisedMatVecKernel.HALF;
import static lemma.core.kernel.VectorisedMatVecKernel.LANES;
import static lemma.core.kernel.VectorisedMatVecKernel.STEP;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// A row of floats, taken through registers by a [RowUse].
///
/// The loop stands once for each format: with one loop for all, a call that could go to several
/// loaders is not compiled into vector instructions.
final class FloatRows {
  private static final VectorSpecies<Integer> BITS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(LANES.vectorBitSize() / 2));

  private FloatRows() {}

  static float take(WeightMatrix w, int i, RowUse use, float[] x, int from) {
    return switch (w.type()) {
      case F16 -> f16(w, i, use, x, from);
      case BF16 -> bf16(w, i, use, x, from);
      default -> f32(w, i, use, x, from);
    };
  }

  private static float f32(WeightMatrix w, int i, RowUse use, float[] x, int from) {
    MemorySegment bytes = w.bytes();
    long row = (long) i * w.columns();
    int bound = w.columns() - w.columns() % GROUP;
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = 0; j < bound; j += GROUP)
      for (int k = 0; k < HALF; k += STEP) {
        first = use.take(widenF32(bytes, row + j + k), x, from + j + k, first);
        int high = j + HALF + k;
        second = use.take(widenF32(bytes, row + high), x, from + high, second);
      }
    return VectorMath.sum(first.add(second)) + rest(w, i, use, x, from, bound);
  }

  private static float f16(WeightMatrix w, int i, RowUse use, float[] x, int from) {
    MemorySegment bytes = w.bytes();
    long row = (long) i * w.columns();
    int bound = w.columns() - w.columns() % GROUP;
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = 0; j < bound; j += GROUP)
      for (int k = 0; k < HALF; k += STEP) {
        first = use.take(widenF16(bytes, row + j + k), x, from + j + k, first);
        int high = j + HALF + k;
        second = use.take(widenF16(bytes, row + high), x, from + high, second);
      }
    return VectorMath.sum(first.add(second)) + rest(w, i, use, x, from, bound);
  }

  private static float bf16(WeightMatrix w, int i, RowUse use, float[] x, int from) {
    MemorySegment bytes = w.bytes();
    long row = (long) i * w.columns();
    int bound = w.columns() - w.columns() % GROUP;
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = 0; j < bound; j += GROUP)
      for (int k = 0; k < HALF; k += STEP) {
        first = use.take(widenBf16(bytes, row + j + k), x, from + j + k, first);
        int high = j + HALF + k;
        second = use.take(widenBf16(bytes, row + high), x, from + high, second);
      }
    return VectorMath.sum(first.add(second)) + rest(w, i, use, x, from, bound);
  }

  /// Floats as they are.
  private static FloatVector widenF32(MemorySegment bytes, long at) {
    return FloatVector.fromMemorySegment(LANES, bytes, 4 * at, ByteOrder.LITTLE_ENDIAN);
  }

  /// Sign, exponent and mantissa move to their places in a float; the product with 2¹¹² = 2^(127−15)
  /// rebiases the exponent and is exact for subnormals, too. Exponent 31, ∞ and NaN, becomes 255.
  private static FloatVector widenF16(MemorySegment bytes, long at) {
    var halves = ShortVector.fromMemorySegment(HALVES, bytes, 2 * at, ByteOrder.LITTLE_ENDIAN);
    var bits = (IntVector) halves.convertShape(VectorOperators.S2I, BITS, 0);
    var finite =
        bits.lanewise(VectorOperators.LSHL, 13).and(0x8FFFE000).reinterpretAsFloats().mul(0x1p112f);
    var special = bits.and(0x7FFF).compare(VectorOperators.GE, 0x7C00).cast(LANES);
    return finite.blend(finite.reinterpretAsInts().or(0x7F800000).reinterpretAsFloats(), special);
  }

  /// A bfloat16 is the upper half of a float.
  private static FloatVector widenBf16(MemorySegment bytes, long at) {
    var halves = ShortVector.fromMemorySegment(HALVES, bytes, 2 * at, ByteOrder.LITTLE_ENDIAN);
    var bits = (IntVector) halves.convertShape(VectorOperators.ZERO_EXTEND_S2I, BITS, 0);
    return bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  /// What is left of a row behind the last full group.
  private static float rest(WeightMatrix w, int i, RowUse use, float[] x, int from, int bound) {
    float sum = 0;
    for (int j = bound; j < w.columns(); j++)
      if (use == RowUse.STORE) x[from + j] = w.get(i, j);
      else sum = Math.fma(w.get(i, j), x[from + j], sum);
    return sum;
  }
}
