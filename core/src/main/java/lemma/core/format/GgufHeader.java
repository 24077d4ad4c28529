package lemma.core.format;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads and checks the header of a [Gguf] file.
final class GgufHeader {
  private static final int MOST_AXES = 4;
  private static final int LONGEST_NAME = 65_535;
  private static final int LARGEST_ALIGNMENT = 1 << 20; // files have 32, some a page
  private static final int LEAST_KEY = 8 + 4 + 1; // length, type and value of the smallest pair
  private static final int LEAST_INFO = 8 + 4 + 4 + 8; // length, axes, type and offset

  private final Path file;
  private final MemorySegment bytes;

  private record Info(String name, GgmlType type, long[] shape, long from, long to) {}

  GgufHeader(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  Gguf read() {
    if (!Gguf.begins(bytes)) throw bad("is not a GGUF file");
    ByteOrder order = ByteOrder.LITTLE_ENDIAN;
    long version = new ByteCursor(file, bytes, order, Gguf.MAGIC.length).u32("version");
    if (version != 0 && (version & 0xFFFF) == 0) { // 3 becomes 3 · 2²⁴
      order = ByteOrder.BIG_ENDIAN;
      version = Integer.toUnsignedLong(Integer.reverseBytes((int) version));
    }
    if (version != 2 && version != 3)
      throw bad("has GGUF version " + version + ", 2 and 3 can be read");
    var cursor = new ByteCursor(file, bytes, order, Gguf.MAGIC.length + 4);
    var decoder = new GgufDecoder(cursor, order);
    long tensors = count(cursor, LEAST_INFO, "tensor count");
    long keys = count(cursor, LEAST_KEY, "metadata count");
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    for (long i = 0; i < keys; i++) {
      String key = name(decoder, "metadata key");
      if (metadata.put(key, decoder.value(decoder.type(key), key)) != null)
        throw bad("metadata key " + key + " is there twice");
    }
    int alignment = alignment(metadata);
    Map<String, Info> infos = new LinkedHashMap<>();
    for (long i = 0; i < tensors; i++) {
      Info info = info(cursor, decoder, alignment);
      if (infos.put(info.name, info) != null) throw bad("tensor " + info.name + " is there twice");
    }
    long start = filledUp(cursor.position(), alignment);
    return new Gguf(file, (int) version, order, metadata, placed(infos, start));
  }

  /// How many there are, if as many can be in the rest of the file.
  private static long count(ByteCursor cursor, int leastBytes, String what) {
    return cursor.size(cursor.remaining() / leastBytes, what);
  }

  private String name(GgufDecoder decoder, String what) {
    String name = decoder.text(what);
    if (name.length() > LONGEST_NAME) throw bad(what + " has " + name.length() + " characters");
    return name;
  }

  private int alignment(Map<String, GgufValue> metadata) {
    GgufValue value = metadata.get(Gguf.ALIGNMENT);
    if (value == null) return Gguf.DEFAULT_ALIGNMENT;
    return alignment(value)
        .orElseThrow(() ->
            bad(
                "%s must be a UINT32 and a multiple of 8 up to %d, was %s %s"
                    .formatted(Gguf.ALIGNMENT, LARGEST_ALIGNMENT, value.type(), value)));
  }

  /// The alignment that a value asks for, if it is one.
  static Optional<Integer> alignment(GgufValue value) {
    boolean valid =
        value instanceof GgufValue.Whole whole
            && whole.type() == GgufValue.Type.UINT32
            && whole.value() > 0
            && whole.value() % 8 == 0
            && whole.value() <= LARGEST_ALIGNMENT;
    return valid ? Optional.of((int) ((GgufValue.Whole) value).value()) : Optional.empty();
  }

  private Info info(ByteCursor cursor, GgufDecoder decoder, int alignment) {
    String name = name(decoder, "tensor name");
    long axes = cursor.u32(name);
    if (axes > MOST_AXES)
      throw bad("tensor %s has %d axes, at most %d can be".formatted(name, axes, MOST_AXES));
    long[] shape = new long[(int) axes];
    for (int axis = shape.length - 1; axis >= 0; axis--) shape[axis] = cursor.i64(name);
    long id = cursor.u32(name);
    GgmlType type =
        GgmlType.of(id).orElseThrow(() -> bad("tensor %s has unknown type %d".formatted(name, id)));
    long offset = cursor.i64(name);
    if (offset < 0 || offset % alignment != 0)
      throw bad(
          "tensor %s lies at offset %s, which must be a multiple of %d"
              .formatted(name, Long.toUnsignedString(offset), alignment));
    long row = shape.length == 0 ? 1 : shape[shape.length - 1];
    if (row % type.blockSize() != 0)
      throw bad(
          "tensor %s %s %s must have rows of a multiple of %d"
              .formatted(name, type, Arrays.toString(shape), type.blockSize()));
    long count = StoredTensor.count(shape);
    long blocks = count / type.blockSize();
    if (count < 0 || blocks > (Long.MAX_VALUE - offset) / type.blockBytes())
      throw bad(
          "tensor %s %s %s has more bytes than can be counted"
              .formatted(name, type, Arrays.toString(shape)));
    return new Info(name, type, shape, offset, offset + blocks * type.blockBytes());
  }

  /// The tensors with their bytes: inside of the file, and no byte belongs to two.
  private Map<String, Gguf.TensorInfo> placed(Map<String, Info> infos, long start) {
    long size = Math.max(0, bytes.byteSize() - start);
    List<Info> sorted = new ArrayList<>(infos.values());
    sorted.sort(Comparator.comparingLong(Info::from).thenComparingLong(Info::to));
    long end = 0;
    for (Info info : sorted) {
      if (info.to > size)
        throw bad(
            "tensor %s lies at bytes %d to %d of %d: cut off or damaged"
                .formatted(info.name, info.from, info.to, size));
      if (info.from < end && info.from < info.to)
        throw bad(
            "tensor %s begins at byte %d, inside of the tensor before it, which ends at %d"
                .formatted(info.name, info.from, end));
      end = Math.max(end, info.to);
    }
    Map<String, Gguf.TensorInfo> placed = new LinkedHashMap<>();
    for (Info info : infos.values()) {
      MemorySegment data =
          info.from == info.to
              ? MemorySegment.NULL
              : bytes.asSlice(start + info.from, info.to - info.from);
      placed.put(info.name, new Gguf.TensorInfo(info.name, info.type, info.shape, data));
    }
    return placed;
  }

  /// The next multiple of `alignment`.
  static long filledUp(long position, int alignment) {
    return Math.ceilDiv(position, (long) alignment) * alignment;
  }

  private FormatException bad(String problem) {
    return new FormatException(file, problem);
  }
}
