package lemma.core.model;

import java.io.IOException;
import java.nio.file.Path;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;

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
}
