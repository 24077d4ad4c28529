package lemma.core.format;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Writes a [Gguf] file of version 3: into a temporary file beside it first, which then takes its
/// place. Metadata and tensors stand in the order in which they are given.
public final class GgufWriter {
  private static final int VERSION = 3;
  private static final int MOST_AXES = 4;

  /// The specification allows 64 bytes, the reference keeps one of them for itself.
  private static final int LONGEST_NAME = 63;

  private static final int LONGEST_KEY = 65_535;

  private GgufWriter() {}

  /// Writes little-endian, as nearly every file is.
  ///
  /// @throws IllegalArgumentException if a name is too long or used twice, or a tensor has more than
  ///     four axes or a type that the format does not know
  public static void write(
      Path file, Map<String, GgufValue> metadata, Collection<StoredTensor> tensors)
      throws IOException {
    writeSources(
        file, metadata, tensors.stream().map(TensorSource::of).toList(), ByteOrder.LITTLE_ENDIAN);
  }

  /// The same for tensors that are converted while they are written, in either byte order.
  public static void writeSources(
      Path file, Map<String, GgufValue> metadata, List<TensorSource> tensors, ByteOrder order)
      throws IOException {
    int alignment = alignment(metadata);
    check(metadata, tensors);
    byte[] header = header(metadata, tensors, alignment, order);
    FileReplacement.write(
        file,
        channel -> {
          FileReplacement.writeFully(channel, header);
          for (TensorSource tensor : tensors) {
            tensor.writeTo(channel, order);
            FileReplacement.writeFully(channel, padding(tensor.byteSize(), alignment));
          }
        });
  }

  private static byte[] header(
      Map<String, GgufValue> metadata, List<TensorSource> tensors, int alignment, ByteOrder order) {
    var header = new GgufEncoder(order);
    for (int letter : Gguf.MAGIC) header.raw(new byte[] {(byte) letter});
    header.u32(VERSION);
    header.u64(tensors.size());
    header.u64(metadata.size());
    metadata.forEach((key, value) -> {
      header.text(key);
      header.u32(value.type().ordinal());
      header.value(value);
    });
    long offset = 0;
    for (TensorSource tensor : tensors) {
      header.text(tensor.name());
      header.u32(tensor.shape().length);
      for (int axis = tensor.shape().length - 1; axis >= 0; axis--)
        header.u64(tensor.shape()[axis]); // the innermost first
      header.u32(ggmlType(tensor).id());
      header.u64(offset);
      offset = GgufHeader.filledUp(offset + tensor.byteSize(), alignment);
    }
    header.raw(padding(header.size(), alignment));
    return header.toByteArray();
  }

  private static byte[] padding(long size, int alignment) {
    return new byte[(int) (GgufHeader.filledUp(size, alignment) - size)];
  }

  private static GgmlType ggmlType(TensorSource tensor) {
    return GgmlType.of(tensor.type())
        .orElseThrow(() ->
            new IllegalArgumentException(
                "GGUF has no type %s, which tensor %s has"
                    .formatted(tensor.type(), tensor.name())));
  }

  private static int alignment(Map<String, GgufValue> metadata) {
    GgufValue value = metadata.get(Gguf.ALIGNMENT);
    if (value == null) return Gguf.DEFAULT_ALIGNMENT;
    return GgufHeader.alignment(value)
        .orElseThrow(() ->
            new IllegalArgumentException(
                Gguf.ALIGNMENT + " must be a UINT32 and a multiple of 8, was " + value));
  }

  private static void check(Map<String, GgufValue> metadata, List<TensorSource> tensors) {
    for (String key : metadata.keySet()) checkLength("metadata key", key, LONGEST_KEY);
    Set<String> names = new HashSet<>();
    for (TensorSource tensor : tensors) {
      checkLength("tensor name", tensor.name(), LONGEST_NAME);
      if (!names.add(tensor.name()))
        throw new IllegalArgumentException("tensor name " + tensor.name() + " is used twice");
      if (tensor.shape().length > MOST_AXES)
        throw new IllegalArgumentException(
            "tensor %s has %d axes, GGUF has at most %d"
                .formatted(tensor.name(), tensor.shape().length, MOST_AXES));
      ggmlType(tensor);
    }
  }

  private static void checkLength(String what, String name, int most) {
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > most)
      throw new IllegalArgumentException(
          "%s %s has %d bytes, GGUF has at most %d".formatted(what, name, bytes, most));
  }
}
