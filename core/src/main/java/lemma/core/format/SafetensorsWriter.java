package lemma.core.format;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Writes a [Safetensors] file: into a temporary file beside it first, which then takes its place.
///
/// Tensors lie in the order of the reference implementation, wide elements first and then by name, and
/// the header is filled up with spaces to a multiple of 8 bytes, so that every element is aligned.
public final class SafetensorsWriter {
  private static final long CHUNK = 1L << 24;

  private SafetensorsWriter() {}

  /// @throws IllegalArgumentException if two tensors have one name, one is called `__metadata__`, or
  ///     one is quantised in blocks
  public static void write(
      Path file, Collection<StoredTensor> tensors, Map<String, String> metadata)
      throws IOException {
    for (StoredTensor tensor : tensors)
      if (tensor.type().blockSize() > 1)
        throw new IllegalArgumentException("safetensors has no type for " + tensor);
    List<StoredTensor> ordered =
        tensors.stream()
            .sorted(
                Comparator.comparing((StoredTensor tensor) -> -tensor.type().byteSize(1))
                    .thenComparing(StoredTensor::name))
            .toList();
    byte[] header = header(ordered, metadata);
    Path temporary = file.resolveSibling(file.getFileName() + ".part");
    try {
      try (var channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        writeFully(channel, length.putLong(0, header.length));
        writeFully(channel, ByteBuffer.wrap(header));
        for (StoredTensor tensor : ordered) writeFully(channel, tensor.bytes());
      }
      Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static byte[] header(List<StoredTensor> tensors, Map<String, String> metadata) {
    ObjectNode root = JsonMapper.shared().createObjectNode();
    if (!metadata.isEmpty()) metadata.forEach(root.putObject("__metadata__")::put);
    long from = 0;
    for (StoredTensor tensor : tensors) {
      if (root.has(tensor.name()) || tensor.name().equals("__metadata__"))
        throw new IllegalArgumentException(
            "tensor name " + tensor.name() + " is reserved or used twice");
      long to = from + tensor.bytes().byteSize();
      ObjectNode entry = root.putObject(tensor.name()).put("dtype", tensor.type().name());
      var shape = entry.putArray("shape");
      for (long size : tensor.shape()) shape.add(size);
      entry.putArray("data_offsets").add(from).add(to);
      from = to;
    }
    String json = root.toString();
    int length = json.getBytes(StandardCharsets.UTF_8).length;
    return (json + " ".repeat(-length & 7)).getBytes(StandardCharsets.UTF_8);
  }

  private static void writeFully(FileChannel channel, MemorySegment bytes) throws IOException {
    for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
      long size = Math.min(CHUNK, bytes.byteSize() - at);
      writeFully(channel, bytes.asSlice(at, size).asByteBuffer());
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) channel.write(bytes);
  }
}
