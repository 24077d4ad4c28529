package lemma.core.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// How one block of a [BlockFormat] is written and read; and what all of them are made of.
sealed interface BlockCodec permits Q4_0, Q4_1, Q8_0, Q4_K, Q6_K {
  ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  int blockSize();

  int bytes();

  /// Encodes the block that begins at `x[from]`.
  void quantise(float[] x, int from, MemorySegment to, long at);

  /// Decodes the block that begins at byte `at`.
  void dequantise(MemorySegment bytes, long at, float[] to, int offset);

  /// The float16 at `at`.
  static float half(MemorySegment bytes, long at) {
    return Float.float16ToFloat(bytes.get(SHORT, at));
  }

  /// Narrows a scale to float16 and stores it.
  ///
  /// @throws IllegalArgumentException if it is too large for that
  static void putHalf(MemorySegment to, long at, float scale) {
    short half = Float.floatToFloat16(scale);
    if (!Float.isFinite(Float.float16ToFloat(half)))
      throw new IllegalArgumentException(
          "weights are too large: scale %s must fit into a float16".formatted(scale));
    to.set(SHORT, at, half);
  }

  /// The byte at `at`, 0 to 255.
  static int unsigned(MemorySegment bytes, long at) {
    return bytes.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
  }

  static void putByte(MemorySegment to, long at, int value) {
    to.set(ValueLayout.JAVA_BYTE, at, (byte) value);
  }

  /// 1/d, or 0 for a block of zeros.
  static float inverse(float d) {
    return d == 0 ? 0 : 1 / d;
  }

  /// The nearest integer, the even one of two, no less than `least` and no more than `most`.
  static int nearest(float x, int least, int most) {
    return Math.clamp((long) Math.rint(x), least, most);
  }
}
