package lemma.core.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// The weights of a model: one safetensors file, or several with an index that says which tensor lies
/// in which of them.
///
/// ```
/// model.safetensors                                     or
/// model.safetensors.index.json                          {"weight_map": {"lm_head.weight": "model-00002-of-00002.safetensors", …}}
/// model-00001-of-00002.safetensors, …
/// ```
public record Checkpoint(
    Path source, Map<String, StoredTensor> tensors, Map<String, String> metadata) {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  /// Keeps the order of `tensors`.
  public Checkpoint {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /// Opens a safetensors file, or a folder with `model.safetensors` or its index.
  ///
  /// @throws FormatException if there is none, or a file is cut off, damaged or missing
  public static Checkpoint open(Path path) throws IOException {
    if (!Files.exists(path)) throw new FormatException(path, "no such file or folder");
    if (!Files.isDirectory(path)) return single(path);
    if (Files.exists(path.resolve(SINGLE))) return single(path.resolve(SINGLE));
    if (Files.exists(path.resolve(INDEX))) return sharded(path.resolve(INDEX));
    throw new FormatException(path, "has neither " + SINGLE + " nor " + INDEX);
  }

  private static Checkpoint single(Path file) throws IOException {
    Safetensors opened = Safetensors.open(file);
    return new Checkpoint(file, opened.tensors(), opened.metadata());
  }

  private static Checkpoint sharded(Path index) throws IOException {
    JsonNode weightMap = JsonFile.read(index).object("weight_map").root();
    Map<String, Safetensors> shards = new HashMap<>();
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (var entry : weightMap.properties()) {
      String shard = entry.getValue().asString("");
      if (!shards.containsKey(shard)) {
        Safetensors opened = Safetensors.open(shardFile(index, shard));
        shards.put(shard, opened);
        metadata.putAll(opened.metadata());
      }
      tensors.put(entry.getKey(), shards.get(shard).tensor(entry.getKey()));
    }
    return new Checkpoint(index, tensors, metadata);
  }

  /// An index names files beside it, never elsewhere.
  private static Path shardFile(Path index, String shard) {
    boolean plain =
        !shard.isEmpty() && shard.chars().noneMatch(c -> c == '/' || c == '\\' || c < 32);
    if (!plain || shard.equals("..") || !shard.endsWith(".safetensors"))
      throw new FormatException(index, "must name safetensors files beside it, not " + shard);
    return index.resolveSibling(shard);
  }

  /// One tensor.
  ///
  /// @throws FormatException if there is none of this name
  public StoredTensor tensor(String name) {
    StoredTensor tensor = tensors.get(name);
    if (tensor == null) throw new FormatException(source, "tensor " + name + " is missing");
    return tensor;
  }
}
