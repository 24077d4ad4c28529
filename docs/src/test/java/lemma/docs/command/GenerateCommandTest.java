package lemma.docs.command;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lemma.core.format.FloatFormat;
import lemma.core.format.SafetensorsWriter;
import lemma.core.format.StoredTensor;
import lemma.core.model.Gpt2;
import lemma.core.model.LanguageModel;
import lemma.core.model.Llama;
import lemma.core.model.LlamaConfig;
import lemma.core.model.ModelConfig;
import lemma.core.model.T5;
import lemma.core.tensor.Tensor;
import lemma.docs.ProjectHome;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class GenerateCommandTest {
  @TempDir Path folder;
  private Llama model;

  private record Run(int exit, String out, String err) {}

  @BeforeEach
  void save() throws IOException {
    var random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    model = Llama.initialise(LlamaConfig.small(40, 16, 32, 2, 2, 1, 30), random);
    model.save(folder, FloatFormat.F32);
  }

  private static Run run(String... arguments) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int exit =
        Lemma.run(arguments, new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8));
    return new Run(exit, out.toString(UTF_8), err.toString(UTF_8));
  }

  private Run generate(String... more) {
    List<String> arguments = new ArrayList<>(List.of("generate", "--model", folder.toString()));
    arguments.addAll(List.of(more));
    return run(arguments.toArray(String[]::new));
  }

  @Test
  void greedy_ids_are_those_of_the_formula_with_any_number_of_threads() {
    LanguageModel.Session session = model.open();
    float[] logits = session.append(1, 2, 3);
    List<Integer> wanted = new ArrayList<>();
    for (int step = 0; step < 12; step++) {
      int best = 0;
      for (int i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
      wanted.add(best);
      logits = session.append(best);
    }
    String line = wanted.stream().map(String::valueOf).collect(Collectors.joining(",")) + "\n";
    for (String threads : new String[] {"1", "2", "3"}) {
      Run run =
          generate(
              "--ids",
              "1,2,3",
              "--max-tokens",
              "12",
              "--temperature",
              "0",
              "--ignore-eos",
              "--print-ids",
              "--threads",
              threads);
      assertThat(run).isEqualTo(new Run(Lemma.OK, line, ""));
    }
  }

  @Test
  void a_seed_pins_the_draws() {
    String[] draw = {
      "--ids", "5", "--max-tokens", "20", "--temperature", "2", "--json", "--seed", "7"
    };
    JsonNode first = JsonMapper.shared().readTree(generate(draw).out());
    assertThat(first).isEqualTo(JsonMapper.shared().readTree(generate(draw).out()));
    assertThat(first.get("tokens").size()).isEqualTo(20);
    assertThat(first.get("finishReason").asString()).isEqualTo("MAX_TOKENS");
    draw[draw.length - 1] = "8";
    assertThat(JsonMapper.shared().readTree(generate(draw).out())).isNotEqualTo(first);
  }

  @Test
  void an_end_token_ends_the_text_unless_it_is_ignored() throws IOException {
    String likeliest =
        generate("--ids", "1", "--temperature", "0", "--max-tokens", "1").out().strip();
    Files.writeString(
        folder.resolve("generation_config.json"), "{\"eos_token_id\": [" + likeliest + "]}");
    String[] five = {"--ids", "1", "--temperature", "0", "--max-tokens", "5", "--print-ids"};
    assertThat(generate(five).out().strip()).isEqualTo(likeliest);
    List<String> ignoring = new ArrayList<>(List.of(five));
    ignoring.add("--ignore-eos");
    assertThat(generate(ignoring.toArray(String[]::new)).out().split(",")).hasSize(5);
  }

  @Test
  void what_does_not_fit_is_refused_in_one_line() throws IOException {
    refused(generate("--ids", "1,40"), "40");
    refused(generate("--ids", "1,x"), "--ids", "x");
    refused(generate(), "--prompt");
    refused(generate("--ids", "1", "--threads", "0"), "threads", "0");
    refused(generate("--ids", "1", "--temperature", "-1"), "temperature", "-1");
    refused(generate("--prompt", "Hello"), "tokenizer.json");
    refused(run("generate", "--model", folder + "/none", "--ids", "1"), "none");
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"mamba\"}");
    refused(generate("--ids", "1"), "config.json", "mamba");
  }

  /// Weights by name and shape, all different.
  private static void write(Path folder, String config) throws IOException {
    Files.writeString(folder.resolve("config.json"), config);
    var random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(2);
    List<StoredTensor> stored = new ArrayList<>();
    ModelConfig.read(folder)
        .weightShapes()
        .forEach((name, shape) -> {
          double[] weight = Tensor.gaussian(random, shape).toArray();
          stored.add(StoredTensor.of(name, weight, shape, FloatFormat.F32));
        });
    SafetensorsWriter.write(folder.resolve("model.safetensors"), stored, Map.of());
  }

  private static String greedy(LanguageModel model, int... prompt) {
    LanguageModel.Session session = model.open();
    float[] logits = session.append(prompt);
    List<String> spoken = new ArrayList<>();
    for (int step = 0; step < 6; step++) {
      int best = 0;
      for (int i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
      spoken.add(String.valueOf(best));
      logits = session.append(best);
    }
    return String.join(",", spoken) + "\n";
  }

  @Test
  void every_family_that_writes_can_be_asked() throws IOException {
    String[] greedy = {
      "--ids", "3,1,4", "--max-tokens", "6", "--temperature", "0", "--ignore-eos", "--print-ids"
    };
    write(
        folder,
        """
        {"model_type": "gpt2", "vocab_size": 20, "n_embd": 8, "n_layer": 2, "n_head": 2,
         "n_positions": 16}
        """);
    assertThat(generate(greedy).out()).isEqualTo(greedy(Gpt2.load(folder), 3, 1, 4));
    write(
        folder,
        """
        {"model_type": "mixtral", "vocab_size": 20, "hidden_size": 8, "intermediate_size": 6,
         "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
         "num_local_experts": 3, "num_experts_per_tok": 2, "max_position_embeddings": 16}
        """);
    assertThat(generate(greedy).out()).isEqualTo(greedy(Llama.load(folder), 3, 1, 4));
    write(
        folder,
        """
        {"model_type": "t5", "vocab_size": 20, "d_model": 8, "d_kv": 4, "d_ff": 6,
         "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 5}
        """);
    assertThat(generate(greedy).out()).isEqualTo(greedy(T5.load(folder).given(3, 1, 4), 5));
    assertThat(
            JsonMapper.shared()
                .readTree(generate("--ids", "3,1,4", "--json").out())
                .get("prompt")
                .size())
        .isEqualTo(3);
    write(
        folder,
        """
        {"model_type": "bert", "vocab_size": 20, "hidden_size": 8, "intermediate_size": 6,
         "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 16}
        """);
    refused(generate(greedy), "BERT");
  }

  @Test
  void inspect_lists_every_tensor() throws IOException {
    JsonNode all = JsonMapper.shared().readTree(run("inspect", folder.toString(), "--json").out());
    assertThat(all.get("tensors").size()).isEqualTo(model.weights().size());
    assertThat(all.get("totals").get("elements").asLong())
        .isEqualTo(model.weights().values().stream().mapToLong(w -> w.count()).sum());
    assertThat(all.get("metadata").get("format").asString()).isEqualTo("pt");
    Run table = run("inspect", folder.resolve("model.safetensors").toString());
    assertThat(table.out())
        .contains("model.embed_tokens.weight", "[40, 16]", "2560")
        .contains(model.weights().size() + " tensors");
    refused(run("inspect", folder.resolve("config.json").toString()), "config.json", "safetensors");
  }

  private static void refused(Run run, String... words) {
    assertThat(run.exit()).isEqualTo(Lemma.REFUSED);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(words);
  }

  /// The shipped model knows no chat tokens; a template of its own gives it plain words.
  @Test
  void a_chat_prompt_is_the_text_of_the_template() throws IOException {
    Path shipped = ProjectHome.find().path("core", "models", "storyteller");
    for (String name : new String[] {"config.json", "model.safetensors", "tokenizer.json"})
      Files.copy(shipped.resolve(name), folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    String[] greedy = {"--temperature", "0", "--max-tokens", "5", "--json"};
    assertThat(generate(with(greedy, "--prompt", "Hi", "--chat")).err())
        .contains("no chat template");
    Files.writeString(
        folder.resolve("chat_template.jinja"),
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
            + "{{ 'assistant:' if add_generation_prompt }}");
    Run chat = generate(with(greedy, "--prompt", "Hi", "--system", "Be kind.", "--chat"));
    Run plain = generate(with(greedy, "--prompt", "system: Be kind.\nuser: Hi\nassistant:"));
    assertThat(chat.err()).isEmpty();
    assertThat(chat.out()).isEqualTo(plain.out());
    assertThat(generate(with(greedy, "--ids", "1", "--chat")).err()).contains("--prompt");
    assertThat(generate(with(greedy, "--prompt", "x", "--system", "y")).err()).contains("--chat");
  }

  private static String[] with(String[] first, String... second) {
    return Stream.concat(Arrays.stream(first), Arrays.stream(second)).toArray(String[]::new);
  }
}
