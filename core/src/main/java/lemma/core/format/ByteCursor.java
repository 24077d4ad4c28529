package lemma.core.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Reads numbers and texts of a binary file one after another; whatever would lie past the end is
/// refused before memory is taken for it.
final class ByteCursor {
  private final Path file;
  private final MemorySegment bytes;
  private final ValueLayout.OfShort shorts;
  private final ValueLayout.OfInt ints;
  private final ValueLayout.OfLong longs;
  private long at;

  ByteCursor(Path file, MemorySegment bytes, ByteOrder order, long at) {
    this.file = file;
    this.bytes = bytes;
    this.at = at;
    shorts = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(order);
    ints = ValueLayout.JAVA_INT_UNALIGNED.withOrder(order);
    longs = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(order);
  }

  long position() {
    return at;
  }

  long remaining() {
    return bytes.byteSize() - at;
  }

  /// The bytes from here on, without moving.
  MemorySegment rest() {
    return bytes.asSlice(at);
  }

  int u8(String what) {
    return bytes.get(ValueLayout.JAVA_BYTE, advance(1, what)) & 0xFF;
  }

  int u16(String what) {
    return bytes.get(shorts, advance(2, what)) & 0xFFFF;
  }

  int i32(String what) {
    return bytes.get(ints, advance(4, what));
  }

  long u32(String what) {
    return Integer.toUnsignedLong(i32(what));
  }

  /// Eight bytes; what is unsigned in the file is negative here if its highest bit is set.
  long i64(String what) {
    return bytes.get(longs, advance(8, what));
  }

  /// A count or size of eight bytes, unsigned.
  ///
  /// @throws FormatException if it is above `most`
  long size(long most, String what) {
    long size = i64(what);
    if (size < 0 || size > most)
      throw bad("%s is %s, at most %d can be".formatted(what, Long.toUnsignedString(size), most));
    return size;
  }

  /// The next bytes where they lie.
  MemorySegment slice(long length, String what) {
    return bytes.asSlice(advance(length, what), length);
  }

  /// Text in UTF-8.
  String text(long length, String what) {
    MemorySegment slice = slice(length, what);
    if (length > Integer.MAX_VALUE / 2) throw bad(what + " has " + length + " bytes");
    if (!isUtf8(slice)) throw bad(what + " is not UTF-8");
    return new String(slice.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  private long advance(long length, String what) {
    if (length < 0 || length > remaining())
      throw bad(
          "is cut off or damaged: %s at byte %d takes %s bytes, %d are left"
              .formatted(what, at, Long.toUnsignedString(length), remaining()));
    long from = at;
    at += length;
    return from;
  }

  FormatException bad(String problem) {
    return new FormatException(file, problem);
  }

  /// Whether every character is well-formed: no byte astray, none too long, no surrogate.
  static boolean isUtf8(MemorySegment bytes) {
    long size = bytes.byteSize();
    for (long i = 0; i < size; i++) {
      int lead = bytes.get(ValueLayout.JAVA_BYTE, i);
      if (lead >= 0) continue;
      int length = lead >> 5 == -2 ? 1 : lead >> 4 == -2 ? 2 : lead >> 3 == -2 ? 3 : 0;
      if (length == 0 || length > size - 1 - i) return false;
      int character = lead & 0x3F >> length;
      for (int k = 0; k < length; k++) {
        int next = bytes.get(ValueLayout.JAVA_BYTE, ++i);
        if (next >> 6 != -2) return false;
        character = character << 6 | next & 0x3F;
      }
      int least = length == 1 ? 0x80 : length == 2 ? 0x800 : 0x10000;
      boolean surrogate = character >= 0xD800 && character <= 0xDFFF;
      if (character < least || character > 0x10FFFF || surrogate) return false;
    }
    return true;
  }
}
