package lemma.core.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;
import tools.jackson.databind.JsonNode;

/// What a checkpoint's `config.json` says about its model.
public sealed interface ModelConfig permits LlamaConfig {

  /// Number of tokens in the vocabulary.
  int vocabularySize();

  /// Number of positions that the model was made for.
  int contextLength();

  /// Reads `config.json` in a folder.
  ///
  /// @throws FormatException if it is missing or damaged, or its architecture is not supported
  static ModelConfig read(Path folder) throws IOException {
    JsonFile json = JsonFile.read(folder.resolve("config.json"));
    String type = json.text("model_type");
    return switch (type) {
      case "llama", "mistral", "qwen2", "qwen3" -> LlamaConfigFile.read(json, type);
      default ->
          throw new FormatException(
              json.file(),
              "architecture %s is not supported: expected llama, mistral, qwen2 or qwen3"
                  .formatted(type));
    };
  }

  /// The tokens that end a text: `eos_token_id`, one or a list, of `generation_config.json` or else of
  /// `config.json`; none if neither has it.
  ///
  /// @throws FormatException if a file is damaged, or an id is no number
  static Set<Integer> endTokens(Path folder) throws IOException {
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
