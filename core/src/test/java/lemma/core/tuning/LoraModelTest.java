package lemma.core.tuning;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import lemma.core.format.FloatFormat;
import lemma.core.format.JsonFile;
import lemma.core.model.LanguageModel;
import lemma.core.model.Llama;
import lemma.core.model.LlamaConfig;
import lemma.core.model.LlamaDecoder;
import lemma.core.tensor.Gradients;
import lemma.core.tensor.Tensor;
import lemma.core.training.AdamW;
import lemma.core.training.CrossEntropy;
import lemma.core.training.OptimiserState;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/// An adapter on a whole model: files, parity, and a small task learnt with the base frozen.
@Proves("lora")
class LoraModelTest {

  /// The reference's base model with its adapters, or those of `-Dgolden.dir=DIR`.
  private static Path reference() throws URISyntaxException {
    String replacement = System.getProperty("golden.dir");
    Path folder =
        replacement == null
            ? Path.of(LoraModelTest.class.getResource("/golden/tuning/tiny-llama-peft").toURI())
            : Path.of(replacement, "tuning", "tiny-llama-peft");
    assumeTrue(Files.isDirectory(folder), "no such golden data");
    return folder;
  }

  @Claim("parity")
  @Test
  void model_with_each_adapter_equals_the_reference_implementation(Proof proof)
      throws IOException, URISyntaxException {
    Path folder = reference();
    JsonNode expected = JsonFile.read(folder.resolve("expected.json")).root();
    Llama base = Llama.load(folder);
    for (JsonNode result : expected.get("base")) check(base, result, expected, proof);
    for (var entry : expected.get("adapters").properties()) {
      LoraAdapter adapter = PeftFolder.read(folder.resolve(entry.getKey()));
      assertThat(adapter.parameterCount()).isEqualTo(entry.getValue().get("trainable").asLong());
      Llama tuned = new Llama(base.config(), adapter.merge(base.weights()));
      for (JsonNode result : entry.getValue().get("results")) check(tuned, result, expected, proof);
      for (var sum : entry.getValue().get("merged_checksum").properties())
        proof.atMost(
            "|Δ| of the sum of a merged matrix",
            Math.abs(tuned.weights().get(sum.getKey()).sum().item() - sum.getValue().asDouble()),
            1e-8); // printed with nine digits
    }
  }

  private static void check(Llama model, JsonNode result, JsonNode expected, Proof proof) {
    int[] ids = ints(result.get("ids"));
    double[] logits = model.forward(new int[][] {ids}).toArray();
    double[] wanted = GoldenCase.numbers(result.get("logits"));
    double absolute = expected.get("tolerance").get("abs").asDouble();
    double relative = expected.get("tolerance").get("rel").asDouble();
    assertThat(logits).hasSameSizeAs(wanted);
    for (int i = 0; i < wanted.length; i++)
      proof.atMost(
          "|Δ| of a logit beyond its relative tolerance",
          Math.abs(logits[i] - wanted[i]) - relative * Math.abs(wanted[i]),
          absolute);
    int[] greedy = ints(result.get("greedy"));
    assertThat(greedy(model, ids, greedy.length)).isEqualTo(greedy);
    try (LlamaDecoder fast = LlamaDecoder.of(model, FloatFormat.F32, 1)) {
      assertThat(greedy(fast, ids, greedy.length)).isEqualTo(greedy);
    }
  }

  private static int[] ints(JsonNode array) {
    return array.valueStream().mapToInt(JsonNode::asInt).toArray();
  }

  private static int[] greedy(LanguageModel model, int[] prompt, int count) {
    LanguageModel.Session session = model.open();
    float[] logits = session.append(prompt);
    int[] tokens = new int[count];
    for (int i = 0; i < count; i++) {
      int best = 0;
      for (int t = 1; t < logits.length; t++) if (logits[t] > logits[best]) best = t;
      tokens[i] = best;
      if (i + 1 < count) logits = session.append(best);
    }
    return tokens;
  }

  @Claim("files")
  @Test
  void adapter_survives_saving_and_loading(@TempDir Path folder, Proof proof)
      throws IOException, URISyntaxException {
    for (String name : new String[] {"lora-qv", "lora-all"}) {
      LoraAdapter adapter = PeftFolder.read(reference().resolve(name));
      PeftFolder.write(folder.resolve(name), adapter, FloatFormat.F32, "tiny");
      LoraAdapter again = PeftFolder.read(folder.resolve(name));
      assertThat(again.config()).isEqualTo(adapter.config());
      assertThat(again.updates().keySet()).isEqualTo(adapter.updates().keySet());
      adapter
          .parameters()
          .forEach((parameter, value) ->
              assertThat(again.parameters().get(parameter).toArray()).isEqualTo(value.toArray()));
      assertThat(folder.resolve(name).toFile().list())
          .containsExactlyInAnyOrder("adapter_config.json", "adapter_model.safetensors");
      proof.measured(
          "bytes of the adapter's tensors",
          (double) Files.size(folder.resolve(name).resolve("adapter_model.safetensors")));
    }
  }

  private static final int NUMBERS = 12;
  private static final LlamaConfig TINY = LlamaConfig.small(NUMBERS, 24, 48, 1, 2, 1, 8);

  @Claim("task")
  @Test
  void small_task_is_learnt_with_every_weight_of_the_base_untouched(Proof proof) {
    Map<String, Tensor> base = countingBase();
    Llama counting = new Llama(TINY, base);
    proof.atLeast("base: share that counts up", accuracy(counting, up()), 1);
    proof.atMost("base: share that counts down", accuracy(counting, down()), 0.2);
    Map<String, double[]> before = new LinkedHashMap<>();
    base.forEach((name, value) -> before.put(name, value.toArray()));

    LoraAdapter adapter = countDown(base, 4, LoraConfig.ALL_LINEAR);
    Llama tuned = new Llama(TINY, adapter.merge(base));
    proof.atLeast("with the adapter: share that counts down", accuracy(tuned, down()), 1);
    proof.measured("numbers trained", adapter.parameterCount());

    base.forEach((name, value) -> assertThat(value.toArray()).isEqualTo(before.get(name)));
    proof.atLeast("without it: share that counts up", accuracy(counting, up()), 1);
    Llama restored = new Llama(TINY, adapter.unmerge(tuned.weights()));
    proof.atMost(
        "max |Δ| of logits after unmerging",
        gap(restored.forward(up()).toArray(), counting.forward(up()).toArray()),
        1e-12);
  }

  @Claim("targets")
  @Test
  void query_and_value_alone_stay_behind_all_seven_matrices(Proof proof) {
    Map<String, Tensor> base = countingBase();
    LoraAdapter all = countDown(base, 4, LoraConfig.ALL_LINEAR);
    LoraAdapter two = countDown(base, 19, Set.of("q_proj", "v_proj"));
    assertThat(two.parameterCount()).isGreaterThan(all.parameterCount());
    double lossOfAll = loss(new Llama(TINY, all.merge(base)), down()).item();
    double lossOfTwo = loss(new Llama(TINY, two.merge(base)), down()).item();
    proof.measured("loss, all seven at r = 4", lossOfAll);
    proof.measured("loss, q and v at r = 19", lossOfTwo);
    proof.atLeast("ratio of the losses", lossOfTwo / lossOfAll, 2);
  }

  /// A model with one layer that has learnt to count up.
  private static Map<String, Tensor> countingBase() {
    Map<String, Tensor> trained =
        train(
            Llama.initialise(TINY, random(21)).weights(),
            weights -> new Llama(TINY, weights),
            up(),
            120);
    Map<String, Tensor> base = new LinkedHashMap<>();
    trained.forEach((name, value) -> base.put(name, value.detach()));
    return base;
  }

  /// An adapter that was trained to count down.
  private static LoraAdapter countDown(
      Map<String, Tensor> base, int rank, Set<String> targetModules) {
    LoraConfig config = LoraConfig.of(rank, 2 * rank, targetModules.toArray(String[]::new));
    LoraAdapter blank = LoraAdapter.initialise(config, base, random(22));
    assertThat(new Llama(TINY, blank.merge(base)).forward(up()).toArray())
        .isEqualTo(new Llama(TINY, base).forward(up()).toArray());
    return blank.with(
        train(
            blank.parameters(),
            parameters -> new Llama(TINY, blank.with(parameters).merge(base)),
            down(),
            400));
  }

  private static int[][] up() {
    return rows(1);
  }

  private static int[][] down() {
    return rows(NUMBERS - 1);
  }

  /// Twelve texts that count in a circle, one from each number.
  private static int[][] rows(int step) {
    return IntStream.range(0, NUMBERS)
        .mapToObj(start -> IntStream.range(0, 6).map(i -> (start + i * step) % NUMBERS).toArray())
        .toArray(int[][]::new);
  }

  private static Map<String, Tensor> train(
      Map<String, Tensor> initial,
      Function<Map<String, Tensor>, Llama> model,
      int[][] texts,
      int steps) {
    AdamW adamW = AdamW.languageModel(0);
    Map<String, Tensor> parameters = initial;
    OptimiserState state = adamW.begin(parameters);
    for (int step = 0; step < steps; step++) {
      Gradients gradients = loss(model.apply(parameters), texts).backward();
      Map<String, Tensor> g = new LinkedHashMap<>();
      parameters.forEach((name, value) -> g.put(name, gradients.of(value)));
      var update = adamW.step(parameters, g, state, 0.02);
      parameters = update.parameters();
      state = update.state();
    }
    return parameters;
  }

  private static Tensor loss(Llama model, int[][] texts) {
    int time = texts[0].length;
    Tensor logits = model.forward(texts).slice(1, 0, time - 1).reshape(-1, NUMBERS);
    int[] targets = new int[texts.length * (time - 1)];
    for (int i = 0; i < targets.length; i++) targets[i] = texts[i / (time - 1)][i % (time - 1) + 1];
    return CrossEntropy.standard().mean(logits, targets);
  }

  /// The share of next numbers that are the likeliest.
  private static double accuracy(Llama model, int[][] texts) {
    int time = texts[0].length;
    int[] guesses = model.forward(texts).argMax(Tensor.LAST);
    int right = 0;
    for (int row = 0; row < texts.length; row++)
      for (int t = 0; t + 1 < time; t++) if (guesses[row * time + t] == texts[row][t + 1]) right++;
    return (double) right / (texts.length * (time - 1));
  }

  @Claim("bad-input")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"peft_type\": \"LOHA\" | peft_type",
        "\"r\": 0 | rank",
        "\"r\": 3 | r is 3",
        "\"r\": \"2\" | r must be",
        "\"use_dora\": true | use_dora",
        "\"bias\": \"all\" | bias",
        "\"rank_pattern\": {\"q_proj\": 4} | rank_pattern",
        "\"modules_to_save\": [\"lm_head\"] | modules_to_save",
        "\"target_modules\": \"all-linear\" | target_modules",
        "\"target_modules\": [\"q_proj\"] | target_modules",
        "\"lora_dropout\": 1.0 | dropout"
      })
  void adapter_files_that_ask_for_something_else_are_refused(
      String member, String word, @TempDir Path folder) throws IOException {
    Map<String, Tensor> weights =
        Map.of("m.q_proj.weight", Tensor.ones(4, 5), "m.v_proj.weight", Tensor.ones(4, 5));
    LoraConfig config = LoraConfig.of(2, 4, "q_proj", "v_proj");
    LoraAdapter adapter = LoraAdapter.initialise(config, weights, random(1));
    PeftFolder.write(folder, adapter, FloatFormat.F32, "base");
    assertThat(PeftFolder.read(folder).updates()).hasSize(2);
    Path file = folder.resolve("adapter_config.json");
    String name = member.substring(1, member.indexOf('"', 1));
    String json = Files.readString(file);
    String without =
        json.replaceAll("\"" + name + "\":(\\[[^]]*]|\\{[^}]*}|\"[^\"]*\"|[^,}]*),?", "");
    Files.writeString(file, "{" + member + "," + without.substring(1).replace(",}", "}"));
    Refusal.of(() -> PeftFolder.read(folder), word);
  }

  @Claim("bad-input")
  @Test
  void damaged_adapter_folders_are_refused(@TempDir Path folder) throws IOException {
    Refusal.of(() -> PeftFolder.read(folder), "adapter_config.json", "no such file");
    Map<String, Tensor> weights = Map.of("m.q_proj.weight", Tensor.ones(4, 5));
    LoraConfig config = LoraConfig.of(2, 4, "q_proj");
    PeftFolder.write(
        folder, LoraAdapter.initialise(config, weights, random(1)), FloatFormat.F32, "base");
    Path file = folder.resolve("adapter_model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 8));
    Refusal.of(() -> PeftFolder.read(folder), "adapter_model.safetensors");
    Files.delete(file);
    Refusal.of(() -> PeftFolder.read(folder), "adapter_model.safetensors", "no such file");
  }
}
