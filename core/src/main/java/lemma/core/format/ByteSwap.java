package lemma.core.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Elements of one byte order in the other: each number's bytes in reverse.
///
/// In a block of quantised elements only the scales in f16 are numbers of more than a byte.
final class ByteSwap {
  private ByteSwap() {}

  /// A copy in the other byte order.
  static MemorySegment swapped(MemorySegment bytes, ElementType type) {
    MemorySegment copy = Arena.ofAuto().allocate(bytes.byteSize(), 8).copyFrom(bytes);
    int blockBytes = (int) type.byteSize(type.blockSize());
    switch (type) {
      case Q4_0, Q8_0 -> swap(copy, blockBytes, 0, 2);
      case Q4_1, Q4_K -> {
        swap(copy, blockBytes, 0, 2); // the scale
        swap(copy, blockBytes, 2, 2); // the minimum
      }
      case Q6_K -> swap(copy, blockBytes, blockBytes - 2, 2);
      default -> {
        if (type.blockSize() > 1) throw new IllegalArgumentException("cannot swap " + type);
        swap(copy, blockBytes, 0, blockBytes);
      }
    }
    return copy;
  }

  /// Reverses in each block of `stride` bytes the `width` bytes at `offset`.
  private static void swap(MemorySegment bytes, int stride, int offset, int width) {
    for (long at = offset; at < bytes.byteSize(); at += stride)
      for (int i = 0; i < width / 2; i++) {
        byte first = bytes.get(ValueLayout.JAVA_BYTE, at + i);
        bytes.set(
            ValueLayout.JAVA_BYTE, at + i, bytes.get(ValueLayout.JAVA_BYTE, at + width - 1 - i));
        bytes.set(ValueLayout.JAVA_BYTE, at + width - 1 - i, first);
      }
  }
}
