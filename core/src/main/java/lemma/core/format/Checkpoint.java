package lemma.core.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// The weights of a model: one file of any known format, or several with an index that says which
/// tensor lies in which of them.
///
/// ```
/// model.safetensors                                     or
/// model.safetensors.index.json                          {"weight_map": {"lm_head.weight": "model-00002-of-00002.safetensors", …}}
/// model-00001-of-00002.safetensors, …                   or the same with pytorch_model and .bin
/// ```
public record Checkpoint(
    Path source, Map<String, StoredTensor> tensors, Map<String, String> metadata) {
  private static final int LONGEST_NAME = 255;
  private static final List<String> SINGLE = List.of("model.safetensors", "pytorch_model.bin");
  private static final List<String> INDEX =
      SINGLE.stream().map(name -> name + ".index.json").toList();

  /// Keeps the order of `tensors`.
  public Checkpoint {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /// Opens a file of weights, an index, or a folder with one of them.
  ///
  /// @throws FormatException if there is none, or a file is cut off, damaged or missing
  public static Checkpoint open(Path path) throws IOException {
    Path file = find(path);
    return file.toString().endsWith(".index.json") ? sharded(JsonFile.read(file)) : single(file);
  }

  /// The file of weights or the index that a path stands for: itself, or what a folder holds.
  ///
  /// @throws FormatException if there is none
  public static Path find(Path path) {
    if (!Files.exists(path)) throw new FormatException(path, "no such file or folder");
    if (!Files.isDirectory(path)) return path;
    for (int i = 0; i < SINGLE.size(); i++)
      for (String name : List.of(SINGLE.get(i), INDEX.get(i)))
        if (Files.exists(path.resolve(name))) return path.resolve(name);
    throw new FormatException(path, "has neither %s nor %s".formatted(SINGLE.get(0), INDEX.get(0)));
  }

  private static Checkpoint single(Path file) throws IOException {
    WeightFile opened = WeightFile.open(file);
    return new Checkpoint(file, opened.tensors(), metadata(opened));
  }

  /// What a file says of itself, as text.
  private static Map<String, String> metadata(WeightFile file) {
    return switch (file) {
      case Safetensors safetensors -> safetensors.metadata();
      case Gguf gguf -> {
        Map<String, String> texts = new LinkedHashMap<>();
        gguf.metadata().forEach((key, value) -> texts.put(key, value.toString()));
        yield texts;
      }
      case TorchCheckpoint _ -> Map.of();
    };
  }

  static Checkpoint sharded(JsonFile json) throws IOException {
    Path index = json.file();
    JsonNode weightMap = json.object("weight_map").root();
    Map<String, WeightFile> shards = new HashMap<>();
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (var entry : weightMap.properties()) {
      String shard = entry.getValue().asString("");
      if (!shards.containsKey(shard)) {
        WeightFile opened = WeightFile.open(shardFile(index, shard));
        shards.put(shard, opened);
        metadata.putAll(metadata(opened));
      }
      tensors.put(entry.getKey(), shards.get(shard).tensor(entry.getKey()));
    }
    return new Checkpoint(index, tensors, metadata);
  }

  /// An index names files beside it, never elsewhere, and by names that every system takes.
  private static Path shardFile(Path index, String shard) {
    boolean plain =
        shard.length() <= LONGEST_NAME
            && shard.chars().allMatch(c -> c >= ' ' && c < 127 && c != '/' && c != '\\');
    String ending = index.toString().endsWith(".bin.index.json") ? ".bin" : ".safetensors";
    if (!plain || shard.equals("..") || !shard.endsWith(ending))
      throw new FormatException(
          index, "must name %s files beside it, not %s".formatted(ending, shard));
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
