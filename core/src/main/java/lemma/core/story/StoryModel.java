package lemma.core.story;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import lemma.core.format.FloatFormat;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;
import lemma.core.model.Llama;
import lemma.core.tokenizer.ByteLevelBpe;
import lemma.core.tokenizer.TokenizerJson;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A language model with its tokenizer, in a folder as Hugging Face has them.
///
/// ```
/// config.json  generation_config.json  model.safetensors  tokenizer.json  tokenizer_config.json
/// ```
public record StoryModel(Llama model, ByteLevelBpe tokenizer) {
  /// Stands behind every story.
  public static final String END = "<|endoftext|>";

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /// @throws IllegalArgumentException if the two disagree on the vocabulary, or [#END] is not in it
  public StoryModel {
    if (model.vocabularySize() != tokenizer.vocabularySize())
      throw new IllegalArgumentException(
          "the model has a vocabulary of %d, the tokenizer of %d"
              .formatted(model.vocabularySize(), tokenizer.vocabularySize()));
    end(tokenizer);
  }

  static int end(ByteLevelBpe tokenizer) {
    return tokenizer
        .addedToken(END)
        .orElseThrow(() -> new IllegalArgumentException("the tokenizer has no " + END));
  }

  /// The id of [#END].
  public int end() {
    return end(tokenizer);
  }

  /// Reads a folder; weights are constants.
  ///
  /// @throws FormatException if a file is missing or damaged
  public static StoryModel load(Path folder) throws IOException {
    return new StoryModel(Llama.load(folder), TokenizerJson.readByteLevel(folder));
  }

  /// Writes a folder, with the weights as 16-bit floats.
  public void save(Path folder) throws IOException {
    model.save(folder, FloatFormat.F16);
    TokenizerJson.write(tokenizer, folder.resolve("tokenizer.json"));
    Path config = folder.resolve("config.json");
    ObjectNode root = (ObjectNode) JsonFile.read(config).root();
    write(config, root.put("bos_token_id", end()).put("eos_token_id", end()));
    write(
        folder.resolve("generation_config.json"),
        JSON.createObjectNode()
            .put("bos_token_id", end())
            .put("eos_token_id", end())
            .put("pad_token_id", end())
            .put("do_sample", true)
            .put("temperature", 0.8)
            .put("top_k", 40));
    write(
        folder.resolve("tokenizer_config.json"),
        JSON.createObjectNode()
            .put("tokenizer_class", "PreTrainedTokenizerFast")
            .put("bos_token", END)
            .put("eos_token", END)
            .put("model_max_length", model.contextLength()));
  }

  private static void write(Path file, ObjectNode root) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + ".part");
    Files.writeString(temporary, JSON.writeValueAsString(root) + "\n");
    Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
  }
}
