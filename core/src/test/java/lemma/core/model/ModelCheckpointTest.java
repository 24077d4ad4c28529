package lemma.core.model;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lemma.core.format.Checkpoint;
import lemma.core.format.FloatFormat;
import lemma.core.format.SafetensorsWriter;
import lemma.core.format.StoredTensor;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Files of every family, damaged.
@Proves("decoder-models")
class ModelCheckpointTest {

  private static final Map<String, String> CONFIGS =
      Map.of(
          "mixtral",
          """
          {"model_type": "mixtral", "vocab_size": 20, "hidden_size": 8, "intermediate_size": 6,
           "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
           "num_local_experts": 3, "num_experts_per_tok": 2, "max_position_embeddings": 16}
          """,
          "gpt2",
          """
          {"model_type": "gpt2", "vocab_size": 20, "n_embd": 8, "n_layer": 2, "n_head": 2,
           "n_positions": 16}
          """,
          "bert",
          """
          {"model_type": "bert", "vocab_size": 20, "hidden_size": 8, "intermediate_size": 6,
           "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 16}
          """,
          "t5",
          """
          {"model_type": "t5", "vocab_size": 20, "d_model": 8, "d_kv": 4, "d_ff": 6,
           "num_layers": 2, "num_heads": 2, "feed_forward_proj": "gated-gelu",
           "tie_word_embeddings": false, "decoder_start_token_id": 0}
          """);

  static Stream<String> families() {
    return CONFIGS.keySet().stream().sorted();
  }

  private static ModelConfig write(String family, Path folder) throws IOException {
    Files.writeString(folder.resolve("config.json"), CONFIGS.get(family));
    ModelConfig config = ModelConfig.read(folder);
    List<StoredTensor> stored = new ArrayList<>();
    RandomModels.weights(config, random(1))
        .forEach((name, weight) ->
            stored.add(StoredTensor.of(name, weight.data(), weight.shape(), FloatFormat.F32)));
    SafetensorsWriter.write(folder.resolve("model.safetensors"), stored, Map.of());
    return config;
  }

  private static void rewrite(Path folder, Map<String, StoredTensor> tensors) throws IOException {
    SafetensorsWriter.write(folder.resolve("model.safetensors"), tensors.values(), Map.of());
  }

  private static Object load(String family, Path folder) throws IOException {
    return switch (family) {
      case "mixtral" -> Llama.load(folder);
      case "gpt2" -> Gpt2.load(folder);
      case "bert" -> Bert.load(folder);
      default -> T5.load(folder);
    };
  }

  private static void refused(String family, Path folder, String... words) {
    Refusal.of(() -> load(family, folder), words);
    Refusal.of(() -> DecoderModel.open(folder, 1), words);
  }

  @Claim("missing-tensor")
  @ParameterizedTest
  @MethodSource("families")
  void each_tensor_that_is_missing_or_misshapen_is_named(String family, @TempDir Path folder)
      throws IOException {
    ModelConfig config = write(family, folder);
    load(family, folder);
    var all = Checkpoint.open(folder).tensors();
    for (String name : config.weightShapes().keySet()) {
      var without = new LinkedHashMap<>(all);
      without.remove(name);
      rewrite(folder, without);
      refused(family, folder, "model.safetensors", name, "missing");
      without.put(name, StoredTensor.of(name, new double[14], new int[] {7, 2}, FloatFormat.F32));
      rewrite(folder, without);
      refused(family, folder, "model.safetensors", name, "[7, 2]");
    }
  }

  @Claim("truncated")
  @ParameterizedTest
  @MethodSource("families")
  void a_file_that_is_cut_off_is_named(String family, @TempDir Path folder) throws IOException {
    write(family, folder);
    Path file = folder.resolve("model.safetensors");
    for (long size = Files.size(file) - 1; size >= 0; size = size * 3 / 4 - 1) {
      try (var access = new RandomAccessFile(file.toFile(), "rw")) {
        access.setLength(size);
      }
      refused(family, folder, "model.safetensors");
    }
  }

  @Claim("unknown-architecture")
  @ParameterizedTest
  @MethodSource("families")
  void sizes_that_cannot_be_are_named_before_memory_is_taken(String family, @TempDir Path folder)
      throws IOException {
    write(family, folder);
    String good = CONFIGS.get(family);
    Path config = folder.resolve("config.json");
    String layers =
        family.equals("gpt2")
            ? "n_layer"
            : family.equals("t5") ? "num_layers" : "num_hidden_layers";
    for (int count : new int[] {0, -1, 2_000_000_000, Integer.MAX_VALUE}) {
      Files.writeString(
          config, good.replace("\"" + layers + "\": 2", "\"" + layers + "\": " + count));
      Refusal.of(() -> load(family, folder), folder.toString());
    }
    Files.writeString(config, good.replace("\"vocab_size\": 20", "\"vocab_size\": 2147483647"));
    Refusal.of(() -> load(family, folder), "config.json", "2147483647");
    Files.writeString(config, good.replace("\"" + family + "\"", "\"mamba\""));
    Refusal.of(() -> load(family, folder), "config.json", "mamba");
  }

  @Claim("unknown-architecture")
  @Test
  void habits_that_are_not_computed_are_named(@TempDir Path folder) throws IOException {
    String[][] habits = {
      {"gpt2", "\"activation_function\": \"relu\"", "relu"},
      {"gpt2", "\"activation_function\": \"sine\"", "sine"},
      {"gpt2", "\"scale_attn_by_inverse_layer_idx\": true", "scale_attn_by_inverse_layer_idx"},
      {"gpt2", "\"quantization_config\": {}", "quantised"},
      {"bert", "\"position_embedding_type\": \"relative_key\"", "relative_key"},
      {"bert", "\"hidden_act\": \"sine\"", "sine"},
      {"t5", "\"relative_attention_num_buckets\": 1", "buckets"},
      {"mixtral", "\"hidden_act\": \"gelu\"", "gelu"},
    };
    for (String[] habit : habits) {
      String config = CONFIGS.get(habit[0]).replaceFirst("\\{", "{" + habit[1] + ", ");
      Files.writeString(folder.resolve("config.json"), config);
      Refusal.of(() -> ModelConfig.read(folder), "config.json", habit[2]);
    }
    String choosing = CONFIGS.get("mixtral").replace("per_tok\": 2", "per_tok\": 4");
    Files.writeString(folder.resolve("config.json"), choosing);
    Refusal.of(() -> ModelConfig.read(folder), "expertsPerToken", "4", "3");
  }

  @Claim("window")
  @Test
  void a_window_that_is_not_said_is_that_of_the_first_mistral(@TempDir Path folder)
      throws IOException {
    String mistral = CONFIGS.get("mixtral").replace("\"mixtral\"", "\"mistral\"");
    for (var said :
        Map.of("", 4096, "\"sliding_window\": null, ", 0, "\"sliding_window\": 9, ", 9)
            .entrySet()) {
      String config = mistral.replaceFirst("\\{", "{" + said.getKey());
      Files.writeString(folder.resolve("config.json"), config);
      LlamaConfig read = (LlamaConfig) ModelConfig.read(folder);
      assertThat(read.window(0)).isEqualTo(said.getValue());
      assertThat(read.experts()).isZero();
    }
  }

  @Claim("unknown-architecture")
  @Test
  void a_model_of_another_family_is_named(@TempDir Path folder) throws IOException {
    write("bert", folder);
    Refusal.of(() -> Llama.load(folder), folder.toString(), "Bert", "Llama");
    Refusal.of(() -> DecoderModel.open(folder, 1), folder.toString(), "BERT");
    write("t5", folder);
    Refusal.of(() -> DecoderModel.open(folder, 1), folder.toString(), "T5");
  }

  @Claim("older-names")
  @Test
  void weights_are_found_by_their_older_names(@TempDir Path folder) throws IOException {
    for (String family : new String[] {"gpt2", "bert", "t5"}) {
      write(family, folder);
      Object wanted = load(family, folder);
      List<StoredTensor> renamed = new ArrayList<>();
      Checkpoint.open(folder)
          .tensors()
          .forEach((name, tensor) ->
              renamed.add(
                  new StoredTensor(older(name), tensor.type(), tensor.shape(), tensor.bytes())));
      SafetensorsWriter.write(folder.resolve("model.safetensors"), renamed, Map.of());
      assertThat(weights(load(family, folder))).isEqualTo(weights(wanted));
    }
  }

  private static String older(String name) {
    return name.replaceFirst("^transformer\\.", "")
        .replace("LayerNorm.weight", "LayerNorm.gamma")
        .replace("LayerNorm.bias", "LayerNorm.beta")
        .replace("cls.predictions.bias", "cls.predictions.decoder.bias")
        .replaceFirst("^shared\\.", "encoder.embed_tokens.");
  }

  private static Map<String, List<Double>> weights(Object model) {
    Map<String, Tensor> weights =
        switch (model) {
          case Gpt2 gpt2 -> gpt2.weights();
          case Bert bert -> bert.weights();
          default -> ((T5) model).weights();
        };
    Map<String, List<Double>> values = new LinkedHashMap<>();
    weights.forEach(
        (name, weight) -> values.put(name, Arrays.stream(weight.toArray()).boxed().toList()));
    return values;
  }
}
