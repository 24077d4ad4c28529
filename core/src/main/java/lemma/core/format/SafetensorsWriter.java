package lemma.core.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Writes [Safetensors] files: into a temporary file beside it first, which then takes its place.
///
/// Tensors lie in the order of the reference implementation, wide elements first and then by name, and
/// the header is filled up with spaces to a multiple of 8 bytes, so that every element is aligned.
public final class SafetensorsWriter {
  private SafetensorsWriter() {}

  /// @throws IllegalArgumentException if two tensors have one name, one is called `__metadata__`, or
  ///     one is quantised in blocks
  public static void write(
      Path file, Collection<StoredTensor> tensors, Map<String, String> metadata)
      throws IOException {
    writeSources(file, tensors.stream().map(TensorSource::of).toList(), metadata);
  }

  /// The same for tensors that are converted while they are written.
  public static void writeSources(
      Path file, List<TensorSource> tensors, Map<String, String> metadata) throws IOException {
    for (TensorSource tensor : tensors)
      if (tensor.type().blockSize() > 1)
        throw new IllegalArgumentException(
            "safetensors has no type %s, which tensor %s has"
                .formatted(tensor.type(), tensor.name()));
    List<TensorSource> ordered =
        tensors.stream()
            .sorted(
                Comparator.comparing((TensorSource tensor) -> -tensor.type().byteSize(1))
                    .thenComparing(TensorSource::name))
            .toList();
    byte[] header = header(ordered, metadata);
    byte[] length = new byte[8];
    ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length);
    FileReplacement.write(
        file,
        channel -> {
          FileReplacement.writeFully(channel, length);
          FileReplacement.writeFully(channel, header);
          for (TensorSource tensor : ordered) tensor.writeTo(channel, ByteOrder.LITTLE_ENDIAN);
        });
  }

  /// Writes a model into a folder: as `model.safetensors`, or, if that would be larger than
  /// `mostBytes`, as `model-00001-of-0000N.safetensors` and so on with an index.
  ///
  /// Tensors are put into files in their order; one that is larger alone has a file of its own. The
  /// index comes last: without it the folder is no model yet.
  public static void writeShards(
      Path folder, List<TensorSource> tensors, Map<String, String> metadata, long mostBytes)
      throws IOException {
    if (mostBytes < 1)
      throw new IllegalArgumentException("mostBytes must be positive, was " + mostBytes);
    Files.createDirectories(folder);
    List<List<TensorSource>> shards = shards(tensors, mostBytes);
    Path single = folder.resolve("model.safetensors");
    Path index = folder.resolve("model.safetensors.index.json");
    if (shards.size() == 1) {
      writeSources(single, tensors, metadata);
      Files.deleteIfExists(index); // of another model that was there
      return;
    }
    Map<String, String> weightMap = new TreeMap<>();
    for (int i = 0; i < shards.size(); i++) {
      String name = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
      for (TensorSource tensor : shards.get(i))
        if (weightMap.put(tensor.name(), name) != null)
          throw new IllegalArgumentException("tensor name " + tensor.name() + " is used twice");
    }
    for (List<TensorSource> shard : shards)
      writeSources(folder.resolve(weightMap.get(shard.get(0).name())), shard, metadata);
    ObjectNode root = JsonMapper.shared().createObjectNode();
    root.putObject("metadata")
        .put("total_size", tensors.stream().mapToLong(TensorSource::byteSize).sum());
    weightMap.forEach(root.putObject("weight_map")::put);
    byte[] json = root.toPrettyString().getBytes(StandardCharsets.UTF_8);
    FileReplacement.write(index, channel -> FileReplacement.writeFully(channel, json));
    Files.deleteIfExists(single);
  }

  private static List<List<TensorSource>> shards(List<TensorSource> tensors, long mostBytes) {
    List<List<TensorSource>> shards = new ArrayList<>(List.of(new ArrayList<>()));
    long size = 0;
    for (TensorSource tensor : tensors) {
      boolean full = size > 0 && size > mostBytes - tensor.byteSize();
      if (full) shards.add(new ArrayList<>());
      size = (full ? 0 : size) + tensor.byteSize();
      shards.getLast().add(tensor);
    }
    return shards;
  }

  private static byte[] header(List<TensorSource> tensors, Map<String, String> metadata) {
    ObjectNode root = JsonMapper.shared().createObjectNode();
    if (!metadata.isEmpty()) metadata.forEach(root.putObject("__metadata__")::put);
    long from = 0;
    for (TensorSource tensor : tensors) {
      if (root.has(tensor.name()) || tensor.name().equals("__metadata__"))
        throw new IllegalArgumentException(
            "tensor name " + tensor.name() + " is reserved or used twice");
      long to = from + tensor.byteSize();
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
}
