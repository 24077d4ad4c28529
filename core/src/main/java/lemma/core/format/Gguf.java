package lemma.core.format;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A GGUF file: weights together with everything that is needed to run them.
///
/// ```
/// "GGUF" · version u32 · tensor count u64 · metadata count u64
/// metadata: (key · type u32 · value)…
/// tensors:  (name · axes u32 · size u64 of each axis, the innermost first · type u32 · offset u64)…
/// filled up to a multiple of general.alignment (32 if not given)
/// data:     each tensor at its offset, filled up likewise
/// ```
///
/// A text is its length, u64, and UTF-8. No field says which byte order the numbers have: a version
/// whose lower 16 bits are 0 was written in the other one.
///
/// The file is mapped. Opening takes memory for the names and the values that are there, never for
/// what a count claims; arrays stay where they lie. Tensors of a little-endian file are slices of the
/// mapping; those of a big-endian file are copied and swapped one by one when they are asked for.
/// Shapes are row-major as everywhere else: the axes of the file in reverse.
///
/// Source: ggml-org/ggml, `docs/gguf.md`, versions 2 and 3. Answer: `format/gguf.md`.
public record Gguf(
    Path file,
    int version,
    ByteOrder order,
    Map<String, GgufValue> metadata,
    Map<String, TensorInfo> infos)
    implements WeightFile {

  static final int[] MAGIC = {'G', 'G', 'U', 'F'};
  static final String ALIGNMENT = "general.alignment";
  static final int DEFAULT_ALIGNMENT = 32;

  /// A tensor as the header describes it, and its bytes in the file's own byte order.
  public record TensorInfo(String name, GgmlType type, long[] shape, MemorySegment bytes) {}

  /// Keeps the order of the maps.
  public Gguf {
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    infos = Collections.unmodifiableMap(new LinkedHashMap<>(infos));
  }

  /// Maps a file, for as long as a tensor of it is reachable.
  ///
  /// @throws FormatException if the file is missing, cut off, damaged, or not a GGUF file
  public static Gguf open(Path file) throws IOException {
    return open(file, Arena.ofAuto());
  }

  /// Maps a file, for as long as `arena` lives.
  ///
  /// @throws FormatException if the file is missing, cut off, damaged, or not a GGUF file
  public static Gguf open(Path file, Arena arena) throws IOException {
    return read(file, MappedFile.map(file, arena));
  }

  static Gguf read(Path file, MemorySegment bytes) {
    return new GgufHeader(file, bytes).read();
  }

  static boolean begins(MemorySegment bytes) {
    return WeightFile.begins(bytes, MAGIC);
  }

  @Override
  public Map<String, Entry> entries() {
    Map<String, Entry> entries = new LinkedHashMap<>();
    infos.forEach((name, info) ->
        entries.put(
            name, new Entry(name, info.type().name(), info.shape(), info.bytes().byteSize())));
    return entries;
  }

  @Override
  public StoredTensor tensor(String name) {
    TensorInfo info = infos.get(name);
    if (info == null) throw new FormatException(file, "tensor " + name + " is missing");
    ElementType type =
        info.type()
            .elementType()
            .orElseThrow(() ->
                new FormatException(
                    file, "tensor %s is %s, which cannot be read".formatted(name, info.type())));
    MemorySegment bytes =
        order == ByteOrder.LITTLE_ENDIAN ? info.bytes() : ByteSwap.swapped(info.bytes(), type);
    return new StoredTensor(name, type, info.shape(), bytes);
  }

  /// Whether the metadata has this key.
  public boolean has(String key) {
    return metadata.containsKey(key);
  }

  /// A text among the metadata.
  ///
  /// @throws FormatException if there is none, or it is something else
  public String text(String key) {
    return value(key) instanceof GgufValue.Text(String text) ? text : wrong(key, "a text");
  }

  public String text(String key, String otherwise) {
    return has(key) ? text(key) : otherwise;
  }

  /// An integer of any width that fits into 32 bits.
  ///
  /// @throws FormatException if there is none, it is something else, or too large
  public int integer(String key) {
    return value(key) instanceof GgufValue.Whole(_, long value) && value == (int) value
        ? (int) value
        : wrong(key, "an integer of 32 bits");
  }

  public int integer(String key, int otherwise) {
    return has(key) ? integer(key) : otherwise;
  }

  /// A real number of either width.
  ///
  /// @throws FormatException if there is none, or it is something else
  public double number(String key) {
    return value(key) instanceof GgufValue.Real(_, double value)
        ? value
        : wrong(key, "a real number");
  }

  public double number(String key, double otherwise) {
    return has(key) ? number(key) : otherwise;
  }

  public boolean flag(String key, boolean otherwise) {
    if (!has(key)) return otherwise;
    return value(key) instanceof GgufValue.Flag(boolean value)
        ? value
        : wrong(key, "true or false");
  }

  /// An array of texts, such as `tokenizer.ggml.tokens`.
  ///
  /// @throws FormatException if there is none, or it is something else
  public List<String> texts(String key) {
    return array(key, "texts").values().stream()
        .map(value ->
            value instanceof GgufValue.Text(String text) ? text : this.<String>wrong(key, "texts"))
        .toList();
  }

  /// An array of integers, such as `tokenizer.ggml.token_type`.
  ///
  /// @throws FormatException if there is none, it is something else, or one does not fit
  public int[] integers(String key) {
    return array(key, "integers").values().stream()
        .mapToInt(value ->
            value instanceof GgufValue.Whole(_, long whole) && whole == (int) whole
                ? (int) whole
                : this.<Integer>wrong(key, "integers of 32 bits"))
        .toArray();
  }

  /// An array of real numbers, such as `tokenizer.ggml.scores`.
  ///
  /// @throws FormatException if there is none, or it is something else
  public double[] numbers(String key) {
    return array(key, "real numbers").values().stream()
        .mapToDouble(value ->
            value instanceof GgufValue.Real(_, double real)
                ? real
                : this.<Double>wrong(key, "real numbers"))
        .toArray();
  }

  private GgufValue.Array array(String key, String expected) {
    return value(key) instanceof GgufValue.Array array
        ? array
        : wrong(key, "an array of " + expected);
  }

  private GgufValue value(String key) {
    GgufValue value = metadata.get(key);
    if (value == null) throw new FormatException(file, key + " is missing");
    return value;
  }

  private <T> T wrong(String key, String expected) {
    GgufValue value = metadata.get(key);
    throw new FormatException(
        file, "%s must be %s, was %s %s".formatted(key, expected, value.type(), value));
  }
}
