package lemma.core.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lemma.core.format.FormatException;
import lemma.core.format.Gguf;
import lemma.core.format.JsonFile;
import lemma.core.format.WeightFile;
import tools.jackson.databind.JsonNode;

/// What a checkpoint says about its model: the families that this package computes.
///
/// | family | `model_type` | |
/// |---|---|---|
/// | [LlamaConfig] | llama, mistral, mixtral, qwen2, qwen3 | decoder |
/// | [Gpt2Config] | gpt2 | decoder |
/// | [BertConfig] | bert | encoder |
/// | [T5Config] | t5, mt5 | encoder and decoder |
public sealed interface ModelConfig permits DecoderConfig, BertConfig, T5Config {

  /// Number of tokens in the vocabulary.
  int vocabularySize();

  /// Number of positions that the model was made for.
  int contextLength();

  /// Number of layers, an encoder's and a decoder's together.
  int layers();

  /// Every weight by its name in a checkpoint with its shape, in the order of the forward pass.
  Map<String, int[]> weightShapes();

  /// The least number of tensors that a checkpoint needs, to be compared with those that it has
  /// before they are listed.
  default long leastTensors() {
    return layers();
  }

  /// Reads `config.json`, by itself, in a folder or beside a file of weights, or the metadata of a
  /// GGUF file.
  ///
  /// @throws FormatException if it is missing or damaged, or its architecture is not supported
  static ModelConfig read(Path path) throws IOException {
    if (path.toString().endsWith(".json")) return of(JsonFile.read(path));
    if (Files.isRegularFile(path) && WeightFile.open(path) instanceof Gguf gguf)
      return GgufModel.read(gguf).config();
    Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
    return of(JsonFile.read(folder.resolve("config.json")));
  }

  private static ModelConfig of(JsonFile json) {
    String type = json.text("model_type");
    if (json.has("quantization_config"))
      throw new FormatException(json.file(), "quantised weights are not supported");
    try {
      return switch (type) {
        case "llama", "mistral", "mixtral", "qwen2", "qwen3" -> LlamaConfigFile.read(json, type);
        case "gpt2" -> Gpt2Config.read(json);
        case "bert" -> BertConfig.read(json);
        case "t5", "mt5" -> T5Config.read(json);
        default ->
            throw new FormatException(
                json.file(),
                ("architecture %s is not supported: expected llama, mistral, mixtral, qwen2, qwen3,"
                        + " gpt2, bert, t5 or mt5")
                    .formatted(type));
      };
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(json.file(), e.getMessage(), e);
    }
  }

  /// The tokens that end a text: `eos_token_id`, one or a list, of `generation_config.json` or else of
  /// `config.json`, in a folder or beside a file of weights; those of a GGUF file's tokenizer. None if
  /// nothing says so.
  ///
  /// @throws FormatException if a file is damaged, or an id is no number
  static Set<Integer> endTokens(Path path) throws IOException {
    if (Files.isRegularFile(path) && WeightFile.open(path) instanceof Gguf gguf)
      return Stream.of("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id")
          .filter(gguf::has)
          .map(gguf::integer)
          .collect(Collectors.toSet());
    Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
    String name = "eos_token_id";
    for (String file : new String[] {"generation_config.json", "config.json"}) {
      if (!Files.exists(folder.resolve(file))) continue;
      JsonFile json = JsonFile.read(folder.resolve(file));
      if (!json.has(name)) continue;
      if (!json.get(name).isArray()) return Set.of(json.integer(name));
      if (!json.get(name).valueStream().allMatch(JsonNode::isInt))
        throw new FormatException(json.file(), name + " must be integers, was " + json.get(name));
      return json.get(name).valueStream().map(JsonNode::asInt).collect(Collectors.toSet());
    }
    return Set.of();
  }
}
