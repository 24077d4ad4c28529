package lemma.core.model;

import static lemma.core.model.RandomModels.tokens;
import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.format.Checkpoint;
import lemma.core.format.FloatFormat;
import lemma.core.format.SafetensorsWriter;
import lemma.core.format.StoredTensor;
import lemma.core.model.LlamaConfig.Variant;
import lemma.core.position.Rope;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("decoder-models")
class LlamaTest {
  private static final LlamaConfig TINY = LlamaConfig.small(50, 16, 24, 2, 4, 2, 40);

  /// Every habit of the family at once, and each of them alone.
  static Stream<LlamaConfig> configs() {
    Rope rope = Rope.llama(10, 1_000_000);
    var mixtral = new LlamaConfig(61, 24, 20, 2, 6, 2, 10, 100, 1e-5, rope, 5, 2, Variant.LLAMA);
    Stream<LlamaConfig> dense =
        Stream.of(
                Variant.LLAMA,
                Variant.TIED,
                new Variant(false, true, false, false, false, 0, 0), // Qwen2
                new Variant(true, false, false, false, true, 0, 0), // Qwen3
                new Variant(false, false, false, false, false, 5, 0), // Mistral
                new Variant(true, true, true, true, true, 3, 1))
            .map(variant -> new LlamaConfig(61, 24, 40, 2, 6, 2, 10, 100, 1e-6, rope, variant));
    return Stream.concat(Stream.of(mixtral), dense);
  }

  private static Llama model(LlamaConfig config, RandomGenerator random) {
    return new Llama(config, RandomModels.weights(config, random));
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("configs")
  void fast_decoder_equals_the_formula(LlamaConfig config, Proof proof) {
    Llama model = model(config, random(1));
    int[] tokens = tokens(75, config, random(2)); // more than two chunks of a prompt
    Tensor formula = model.forward(new int[][] {tokens}).select(0, 0);
    try (var decoder = LlamaDecoder.of(model, FloatFormat.F32, 2)) {
      for (int first : new int[] {1, 2, 31, 32, 33, 70}) // two layers of sums of at most 60 floats
      RandomModels.sessionEquals(decoder, tokens, first, formula, 2e-5, proof);
    }
  }

  @Claim("agreement")
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void fast_decoder_equals_the_formula_on_the_narrowed_weights(FloatFormat format, Proof proof) {
    LlamaConfig config = configs().toList().getLast();
    Llama model = model(config, random(3));
    Map<String, Tensor> narrowed = new LinkedHashMap<>();
    model
        .weights()
        .forEach(
            (name, weight) -> narrowed.put(name, weight.map(x -> format.round((float) x), x -> 0)));
    int[] tokens = tokens(40, config, random(4));
    Tensor formula = new Llama(config, narrowed).forward(new int[][] {tokens}).select(0, 0);
    try (var decoder = LlamaDecoder.of(model, format, 1)) {
      float[] logits = decoder.open().append(tokens);
      proof.atMost(
          "relative gap",
          gap(doubles(logits), formula.select(0, 39).toArray()) / formula.abs().max().item(),
          2e-5);
    }
  }

  @Claim("cache")
  @ParameterizedTest
  @MethodSource("configs")
  void token_by_token_equals_the_whole_text_at_once(LlamaConfig config, Proof proof) {
    Llama model = model(config, random(5));
    int[] tokens = tokens(12, config, random(6));
    Tensor whole = model.forward(new int[][] {tokens}).select(0, 0);
    var past = new Past(config.layers());
    for (int t = 0; t < tokens.length; t++) {
      Tensor x = model.hiddenStates(new int[][] {{tokens[t]}}, past).getLast();
      proof.atMost("max |Δ|", gap(model.head(x).toArray(), whole.select(0, t).toArray()), 1e-12);
    }
  }

  @Claim("rewind")
  @Test
  void a_session_forgets_what_it_is_told_to() {
    Llama model = model(TINY, random(7));
    try (var decoder = LlamaDecoder.of(model, FloatFormat.F32, 1)) {
      for (LanguageModel form : List.of(model, decoder)) {
        var straight = form.open();
        straight.append(1, 2, 3);
        float[] wanted = straight.append(9, 8).clone();
        var wandering = form.open();
        wandering.append(1, 2, 3, 4, 5, 6);
        wandering.rewind(3);
        assertThat(wandering.position()).isEqualTo(3);
        assertThat(gap(doubles(wandering.append(9, 8)), doubles(wanted))).isLessThan(1e-5);
        wandering.rewind(0);
        assertThat(gap(doubles(wandering.append(1, 2, 3, 9, 8)), doubles(wanted))).isLessThan(1e-5);
      }
    }
  }

  @Claim("causal")
  @ParameterizedTest
  @MethodSource("configs")
  void a_later_token_and_another_row_change_nothing(LlamaConfig config) {
    Llama model = model(config, random(8));
    int[] tokens = tokens(9, config, random(9));
    int[] other = tokens.clone();
    other[6] = (other[6] + 1) % config.vocabularySize();
    double[] alone = model.forward(new int[][] {tokens}).toArray();
    Tensor both = model.forward(new int[][] {other, tokens});
    assertThat(both.select(0, 1).toArray()).isEqualTo(alone);
    double[] before = both.select(0, 0).slice(0, 0, 6).toArray();
    assertThat(before).isEqualTo(Arrays.copyOf(alone, before.length));
    assertThat(both.select(0, 0).select(0, 6).toArray())
        .isNotEqualTo(both.select(0, 1).select(0, 6).toArray());
  }

  @Claim("window")
  @Test
  void a_window_counts_the_query_itself() {
    var windowed = new Variant(false, false, false, false, false, 3, 0);
    var config = new LlamaConfig(30, 8, 8, 1, 2, 1, 4, 20, 1e-6, Rope.llama(4, 1e4), windowed);
    Llama model = model(config, random(10));
    double[] wanted = last(model, 1, 2, 3, 4, 5);
    assertThat(last(model, 1, 7, 3, 4, 5)).as("the fourth last").isEqualTo(wanted);
    assertThat(last(model, 1, 2, 7, 4, 5)).as("the third last").isNotEqualTo(wanted);
  }

  @Claim("experts-read")
  @Test
  void only_the_chosen_experts_are_read(Proof proof) {
    LlamaConfig config = configs().findFirst().orElseThrow();
    Map<String, Tensor> weights = RandomModels.weights(config, random(30));
    for (int i = 0; i < config.layers(); i++) {
      double[] router = new double[5 * 24];
      weights.put("model.layers." + i + ".block_sparse_moe.gate.weight", Tensor.of(router, 5, 24));
    }
    Llama all = new Llama(config, weights); // equal scores: the first two win
    for (int i = 0; i < config.layers(); i++)
      for (int e = 2; e < 5; e++)
        for (String name : new String[] {"w1", "w2", "w3"})
          weights.computeIfPresent(
              "model.layers.%d.block_sparse_moe.experts.%d.%s.weight".formatted(i, e, name),
              (key, weight) -> weight.mul(Double.NaN));
    try (var whole = LlamaDecoder.of(all, FloatFormat.F32, 1);
        var poisoned = LlamaDecoder.of(new Llama(config, weights), FloatFormat.F32, 1)) {
      int[] tokens = tokens(40, config, random(31));
      double[] wanted = doubles(whole.open().append(tokens));
      proof.atMost(
          "max |Δ|", gap(doubles(poisoned.open().append(tokens)), wanted), 1e-3); // not NaN
    }
  }

  @Claim("experts-size")
  @Test
  void mixtral_is_smaller_than_its_name_and_reads_a_quarter_of_itself(Proof proof) {
    Rope rope = Rope.llama(128, 1e6);
    LlamaConfig mixtral =
        new LlamaConfig(32000, 4096, 14336, 32, 32, 8, 128, 32768, 1e-5, rope, 8, 2, Variant.LLAMA);
    long all = 0;
    long read = 0;
    for (var weight : mixtral.weightShapes().entrySet()) {
      long count = Arrays.stream(weight.getValue()).asLongStream().reduce(1, (a, b) -> a * b);
      all += count;
      boolean expert = weight.getKey().matches(".*\\.experts\\.\\d\\..*");
      read += expert ? count * 2 / 8 : count;
    }
    assertThat(all).isEqualTo(46_702_792_704L);
    proof.measured("parameters, billions", all / 1e9);
    proof.measured("of them for one token, billions", read / 1e9);
    assertThat(read).isEqualTo(12_879_925_248L);
  }

  private static double[] last(Llama model, int... tokens) {
    return model.forward(new int[][] {tokens}).select(1, tokens.length - 1).toArray();
  }

  @Claim("gradient")
  @ParameterizedTest
  @MethodSource("configs")
  void gradient_of_every_weight_equals_its_finite_difference(LlamaConfig config, Proof proof) {
    int[][] tokens = {tokens(6, config, random(12)), tokens(6, config, random(13))};
    RandomModels.gradients(
        model(config, random(11)).parameters(),
        weights -> loss(new Llama(config, weights), tokens),
        proof);
  }

  private static Tensor loss(Llama model, int[][] tokens) {
    int size = model.vocabularySize();
    int[] next =
        Arrays.stream(tokens).flatMapToInt(Arrays::stream).map(t -> (t + 1) % size).toArray();
    return model.forward(tokens).logSoftmax(LAST).reshape(next.length, -1).pick(next).mean().neg();
  }

  @Claim("initialisation")
  @Test
  void a_new_model_knows_nothing(Proof proof) {
    LlamaConfig config = LlamaConfig.small(500, 64, 128, 4, 4, 2, 64);
    Llama model = Llama.initialise(config, random(14));
    int[][] tokens = {tokens(32, config, random(15))};
    proof.atMost(
        "|loss − ln vocabulary|", Math.abs(loss(model, tokens).item() - Math.log(500)), 0.05);
    assertThat(model.weights().values()).allMatch(Tensor::requiresGrad);
  }

  @Claim("threads")
  @Test
  void tokens_are_the_same_with_any_number_of_threads(Proof proof) {
    LlamaConfig dense = LlamaConfig.small(300, 96, 200, 3, 6, 3, 120); // large enough to be shared
    LlamaConfig sparse =
        new LlamaConfig(
            300, 96, 200, 3, 6, 3, 16, 120, 1e-5, Rope.llama(16, 1e4), 4, 2, Variant.LLAMA);
    for (LlamaConfig config : List.of(dense, sparse)) {
      Llama model = model(config, random(16));
      int[] prompt = tokens(40, config, random(17));
      int[] wanted = null;
      float[] firstLogits = null;
      for (int threads = 1; threads <= 5; threads++)
        try (var decoder = LlamaDecoder.of(model, FloatFormat.BF16, threads)) {
          var session = decoder.open();
          float[] logits = session.append(prompt);
          if (firstLogits == null) firstLogits = logits.clone();
          proof.atMost("max |Δ| of the logits", gap(doubles(logits), doubles(firstLogits)), 1e-3);
          int[] spoken = new int[60];
          for (int i = 0; i < spoken.length; i++) {
            spoken[i] = Greedy.argMax(logits);
            logits = session.append(spoken[i]);
          }
          if (wanted == null) wanted = spoken;
          assertThat(spoken).as(threads + " threads").isEqualTo(wanted);
        }
    }
  }

  @Claim("sessions")
  @Test
  void sessions_on_several_threads_do_not_disturb_each_other() throws Exception {
    Llama model = model(TINY, random(18));
    try (var decoder = LlamaDecoder.of(model, FloatFormat.F32, 2)) {
      double[] wanted = doubles(decoder.open().append(3, 1, 4, 1, 5, 9, 2, 6));
      var gaps = new double[4];
      Thread[] threads = new Thread[gaps.length];
      for (int i = 0; i < threads.length; i++) {
        int index = i;
        threads[i] =
            Thread.ofPlatform()
                .start(() -> {
                  for (int round = 0; round < 20; round++) {
                    var session = decoder.open();
                    float[] logits = new float[0];
                    for (int token : new int[] {3, 1, 4, 1, 5, 9, 2, 6})
                      logits = session.append(token);
                    gaps[index] = Math.max(gaps[index], gap(doubles(logits), wanted));
                  }
                });
      }
      for (Thread thread : threads) thread.join();
      assertThat(Arrays.stream(gaps).max().orElseThrow()).isLessThan(1e-4);
    }
  }

  @Claim("round-trip")
  @ParameterizedTest
  @EnumSource
  void what_is_saved_is_loaded(FloatFormat format, @TempDir Path folder) throws IOException {
    Llama model = model(TINY, random(19));
    model.save(folder, format);
    Llama loaded = Llama.load(folder);
    assertThat(loaded.config()).isEqualTo(TINY);
    assertThat(loaded.weights().keySet()).isEqualTo(model.weights().keySet());
    model
        .weights()
        .forEach((name, weight) ->
            assertThat(loaded.weights().get(name).toArray())
                .isEqualTo(
                    Arrays.stream(weight.toArray())
                        .map(x -> format.widen(format.narrow((float) x)))
                        .toArray()));
  }

  @Claim("missing-tensor")
  @Test
  void a_missing_or_misshapen_tensor_is_named(@TempDir Path folder) throws IOException {
    Llama model = model(TINY, random(20));
    model.save(folder, FloatFormat.F32);
    String name = "model.layers.1.mlp.up_proj.weight";
    Path file = folder.resolve("model.safetensors");
    var stored = new LinkedHashMap<>(Checkpoint.open(folder).tensors());
    stored.remove(name);
    SafetensorsWriter.write(file, stored.values(), Map.of());
    refused(folder, "model.safetensors", name, "missing");
    stored.put(
        name, StoredTensor.of(name, new double[16 * 24], new int[] {16, 24}, FloatFormat.F32));
    SafetensorsWriter.write(file, stored.values(), Map.of());
    refused(folder, "model.safetensors", name, "[24, 16]", "[16, 24]");
    Map<String, Tensor> weights = new LinkedHashMap<>(model.weights());
    weights.remove(name);
    Refusal.of(() -> new Llama(TINY, weights), name, "missing");
  }

  private static void refused(Path folder, String... words) {
    Refusal.of(() -> Llama.load(folder), words);
    Refusal.of(() -> LlamaDecoder.open(folder, 1), words);
  }

  @Claim("truncated")
  @Test
  void a_file_that_is_cut_off_is_named(@TempDir Path folder) throws IOException {
    model(TINY, random(21)).save(folder, FloatFormat.BF16);
    Path file = folder.resolve("model.safetensors");
    for (long size = Files.size(file) - 1; size >= 0; size = size * 3 / 4 - 1) {
      try (var access = new RandomAccessFile(file.toFile(), "rw")) {
        access.setLength(size);
      }
      refused(folder, "model.safetensors");
    }
    Files.delete(file);
    refused(folder, "model.safetensors");
  }

  @Claim("unknown-architecture")
  @Test
  void an_unknown_architecture_or_habit_is_named(@TempDir Path folder) throws IOException {
    Path config = folder.resolve("config.json");
    model(TINY, random(22)).save(folder, FloatFormat.F32);
    String good = Files.readString(config);
    var replacements =
        Map.of(
            "\"llama\"", "\"mamba\"",
            "\"silu\"", "\"gelu_new\"",
            "\"hidden_size\" : 16", "\"hidden_size\" : \"sixteen\"",
            "\"num_hidden_layers\" : 2", "\"num_hidden_layers\" : 2000000000",
            "\"num_key_value_heads\" : 2", "\"num_key_value_heads\" : 3",
            "\"vocab_size\" : 50", "\"vocab_size\" : 2147483647",
            "\"rope_theta\" : 10000.0",
                "\"rope_theta\" : 1e4, \"rope_scaling\" : {\"type\" : \"su\"}");
    var words =
        Map.of(
            "\"llama\"", "mamba",
            "\"silu\"", "gelu_new",
            "\"hidden_size\" : 16", "hidden_size",
            "\"num_hidden_layers\" : 2", "2000000000",
            "\"num_key_value_heads\" : 2", "keyValueHeads",
            "\"vocab_size\" : 50", "2147483647",
            "\"rope_theta\" : 10000.0", "su");
    for (var replacement : replacements.entrySet()) {
      assertThat(good).contains(replacement.getKey());
      Files.writeString(config, good.replace(replacement.getKey(), replacement.getValue()));
      refused(folder, folder.toString(), words.get(replacement.getKey()));
    }
    Files.writeString(config, "{\"model_type\": ");
    refused(folder, "config.json", "JSON");
    Files.delete(config);
    refused(folder, "config.json", "no such file");
    refused(folder.resolve("nowhere"), "nowhere");
  }

  @Claim("end-tokens")
  @Test
  void end_tokens_are_one_or_several(@TempDir Path folder) throws IOException {
    assertThat(ModelConfig.endTokens(folder)).isEmpty();
    Files.writeString(folder.resolve("config.json"), "{\"eos_token_id\": 2}");
    assertThat(ModelConfig.endTokens(folder)).containsExactly(2);
    Path generation = folder.resolve("generation_config.json");
    Files.writeString(generation, "{\"eos_token_id\": [7, 9]}");
    assertThat(ModelConfig.endTokens(folder)).containsExactlyInAnyOrder(7, 9);
    Files.writeString(generation, "{\"eos_token_id\": [7, \"x\"]}");
    Refusal.of(() -> ModelConfig.endTokens(folder), "generation_config.json", "eos_token_id", "x");
  }

  @Claim("bad-input")
  @Test
  void tokens_that_do_not_fit_are_refused() {
    Llama model = model(TINY, random(23));
    try (var decoder = LlamaDecoder.of(model, FloatFormat.F32, 1)) {
      for (LanguageModel form : List.of(model, decoder)) {
        var session = form.open();
        session.append(1);
        Refusal.of(() -> session.append(), "token");
        Refusal.of(() -> session.append(3, 50), "50", "vocabulary");
        Refusal.of(() -> session.append(-1), "-1", "vocabulary");
        Refusal.of(() -> session.append(new int[40]), "40");
        Refusal.of(() -> session.rewind(2), "2", "1");
        assertThat(session.position()).as("nothing was appended").isEqualTo(1);
      }
    }
    Refusal.of(() -> model.forward(new int[][] {{1, 2}, {1}}), "2", "1");
    Refusal.of(() -> model.forward(new int[0][]), "token");
    Refusal.of(() -> LlamaDecoder.of(model, FloatFormat.F32, 0), "threads", "0");
    Refusal.of(() -> LlamaConfig.small(50, 16, 24, 2, 4, 3, 40), "keyValueHeads", "3");
    Refusal.of(() -> LlamaConfig.small(50, 16, 24, 2, 5, 5, 40), "heads", "5");
    Refusal.of(() -> LlamaConfig.small(0, 16, 24, 2, 4, 2, 40), "vocabularySize", "0");
  }
}
