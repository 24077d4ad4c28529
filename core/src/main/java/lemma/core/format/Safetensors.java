package lemma.core.format;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// A safetensors file: a JSON header that says where each tensor lies, then the tensors.
///
/// ```
/// [ 8 bytes: n, little-endian ][ n bytes: JSON ][ data ]
/// { "__metadata__": {"format": "pt"},
///   "lm_head.weight": {"dtype": "BF16", "shape": [288, 32], "data_offsets": [0, 18432]}, … }
/// ```
///
/// The file is mapped, not read: a tensor's bytes are a slice of the mapping, and pages come from
/// disk when they are touched. Nothing in the header is believed before it was checked: tensors must
/// cover the data exactly, without gap or overlap, and the memory taken grows with the size of the
/// header that is really there, not with what it claims.
///
/// Format: huggingface/safetensors, `README.md`. Answer: `format/safetensors.md`.
public record Safetensors(
    Path file, Map<String, StoredTensor> tensors, Map<String, String> metadata)
    implements WeightFile {

  private static final long LARGEST_HEADER = 100_000_000; // as in the reference implementation
  private static final ValueLayout.OfLong LITTLE_ENDIAN =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /// Keeps the order of `tensors`.
  public Safetensors {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /// Maps a file, for as long as a tensor of it is reachable.
  ///
  /// @throws FormatException if the file is missing, cut off, or not a safetensors file
  public static Safetensors open(Path file) throws IOException {
    return open(file, Arena.ofAuto());
  }

  /// Maps a file, for as long as `arena` lives.
  ///
  /// @throws FormatException if the file is missing, cut off, or not a safetensors file
  public static Safetensors open(Path file, Arena arena) throws IOException {
    return read(file, MappedFile.map(file, arena));
  }

  static Safetensors read(Path file, MemorySegment bytes) throws IOException {
    long size = bytes.byteSize();
    if (size < 8) throw new FormatException(file, "is cut off: " + size + " bytes");
    long header = bytes.get(LITTLE_ENDIAN, 0);
    if (header < 0 || header > LARGEST_HEADER)
      throw new FormatException(
          file,
          "is not a safetensors file: header of %s bytes".formatted(Long.toUnsignedString(header)));
    if (header > size - 8)
      throw new FormatException(
          file, "is cut off: header of %d bytes, %d are there".formatted(header, size - 8));
    return new SafetensorsHeader(file, bytes.asSlice(8, header), bytes.asSlice(8 + header)).read();
  }

  @Override
  public Map<String, Entry> entries() {
    Map<String, Entry> entries = new LinkedHashMap<>();
    tensors.forEach((name, tensor) ->
        entries.put(
            name,
            new Entry(name, tensor.type().name(), tensor.shape(), tensor.bytes().byteSize())));
    return entries;
  }

  /// One tensor.
  ///
  /// @throws FormatException if there is none of this name
  @Override
  public StoredTensor tensor(String name) {
    StoredTensor tensor = tensors.get(name);
    if (tensor == null) throw new FormatException(file, "tensor " + name + " is missing");
    return tensor;
  }
}
