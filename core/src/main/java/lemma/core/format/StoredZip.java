package lemma.core.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// The entries of a zip file that were stored as they are: slices of the mapped file, no copies.
///
/// ```
/// local header · name · extra · data …      for each entry
/// central directory                         name, sizes and offset of each
/// end of central directory                  where it is, in 64 bits if need be
/// ```
///
/// Only the directory is believed, and only as far as it lies inside of the file. Source: PKWARE,
/// `APPNOTE.TXT` 6.3.10, sections 4.3 and 4.5.3.
final class StoredZip {
  private static final int END = 0x06054b50;
  private static final int END_SIZE = 22;
  private static final int END64 = 0x06064b50;
  private static final int LOCATOR64 = 0x07064b50;
  private static final int LOCATOR64_SIZE = 20;
  private static final int CENTRAL = 0x02014b50;
  private static final int CENTRAL_SIZE = 46;
  private static final int LOCAL = 0x04034b50;
  private static final int LONGEST_COMMENT = 0xFFFF;
  private static final long IN_64_BITS = 0xFFFFFFFFL;

  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path file;
  private final MemorySegment bytes;

  private record Directory(long count, long size, long offset) {}

  StoredZip(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /// Every entry that is no folder.
  ///
  /// @throws FormatException if the directory is damaged, or an entry is compressed, encrypted or
  ///     there twice
  Map<String, MemorySegment> entries() {
    Directory directory = directory();
    ByteCursor cursor = at(directory.offset, "central directory");
    if (directory.size > cursor.remaining() || directory.count > directory.size / CENTRAL_SIZE)
      throw bad(
          "central directory of %s entries in %s bytes does not fit"
              .formatted(
                  Long.toUnsignedString(directory.count), Long.toUnsignedString(directory.size)));
    Map<String, MemorySegment> entries = new LinkedHashMap<>();
    for (long i = 0; i < directory.count; i++) readEntry(cursor, entries);
    return entries;
  }

  private Directory directory() {
    long end = end();
    ByteCursor cursor = at(end + 10, "end of central directory");
    long count = cursor.u16("count");
    long size = cursor.u32("size");
    long offset = cursor.u32("offset");
    boolean in64 = count == 0xFFFF || size == IN_64_BITS || offset == IN_64_BITS;
    if (!in64 || end < LOCATOR64_SIZE) return new Directory(count, size, offset);
    ByteCursor locator = at(end - LOCATOR64_SIZE, "locator");
    if (locator.i32("locator") != LOCATOR64) return new Directory(count, size, offset);
    locator.u32("disk");
    ByteCursor end64 = at(locator.i64("offset"), "end of central directory");
    if (end64.i32("signature") != END64) throw bad("has no end of its central directory");
    end64.slice(28, "versions and disks");
    return new Directory(end64.i64("count"), end64.i64("size"), end64.i64("offset"));
  }

  /// Where the end record begins: the last place from which the comment reaches to the end.
  private long end() {
    long last = bytes.byteSize() - END_SIZE;
    for (long at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
      boolean signed = bytes.get(INT, at) == END;
      if (signed && (bytes.get(SHORT, at + END_SIZE - 2) & 0xFFFF) == last - at) return at;
    }
    throw bad("is cut off: it has no end of a zip directory");
  }

  private void readEntry(ByteCursor cursor, Map<String, MemorySegment> entries) {
    if (cursor.i32("entry") != CENTRAL) throw bad("has a damaged central directory");
    cursor.slice(4, "versions");
    int flags = cursor.u16("flags");
    int method = cursor.u16("method");
    cursor.slice(8, "time and checksum");
    long packed = cursor.u32("packed size");
    long size = cursor.u32("size");
    int nameLength = cursor.u16("name length");
    int extraLength = cursor.u16("extra length");
    int commentLength = cursor.u16("comment length");
    cursor.slice(8, "attributes");
    long offset = cursor.u32("offset");
    String name = cursor.text(nameLength, "entry name");
    var extra =
        new ByteCursor(file, cursor.slice(extraLength, "extra"), ByteOrder.LITTLE_ENDIAN, 0);
    cursor.slice(commentLength, "comment");
    while (extra.remaining() >= 4) { // what does not fit into 32 bits stands here, in this order
      int id = extra.u16("extra id");
      int length = extra.u16("extra size");
      var field = new ByteCursor(file, extra.slice(length, "extra"), ByteOrder.LITTLE_ENDIAN, 0);
      if (id != 1) continue;
      if (size == IN_64_BITS) size = field.i64("size");
      if (packed == IN_64_BITS) packed = field.i64("packed size");
      if (offset == IN_64_BITS) offset = field.i64("offset");
    }
    if (name.endsWith("/")) return;
    if ((flags & 1) != 0) throw bad("entry " + name + " is encrypted");
    if (method != 0 || packed != size) throw bad("entry " + name + " is compressed");
    if (entries.put(name, data(name, offset, size)) != null)
      throw bad("entry " + name + " is there twice");
  }

  private MemorySegment data(String name, long offset, long size) {
    ByteCursor local = at(offset, name);
    if (local.i32(name) != LOCAL) throw bad("entry " + name + " has no header where it should be");
    local.slice(22, name);
    int lengths = local.u16(name) + local.u16(name);
    local.slice(lengths, name);
    return local.slice(size, name);
  }

  private ByteCursor at(long position, String what) {
    if (position < 0 || position > bytes.byteSize())
      throw bad("%s at byte %s is past the end".formatted(what, Long.toUnsignedString(position)));
    return new ByteCursor(file, bytes, ByteOrder.LITTLE_ENDIAN, position);
  }

  private FormatException bad(String problem) {
    return new FormatException(file, problem);
  }
}
