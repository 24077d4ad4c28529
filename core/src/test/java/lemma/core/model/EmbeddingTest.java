package lemma.core.model;

import static lemma.core.model.RandomModels.tokens;
import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.format.Checkpoint;
import lemma.core.format.FloatFormat;
import lemma.core.format.JsonFile;
import lemma.core.model.LlamaConfig.Variant;
import lemma.core.position.Rope;
import lemma.core.tensor.Gradients;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("embedding")
class EmbeddingTest {
  private static final LlamaConfig TIED = LlamaConfig.small(30, 12, 16, 2, 3, 1, 20);

  @Claim("one-hot")
  @Test
  void a_look_up_is_a_one_hot_row_times_the_table(Proof proof) {
    RandomGenerator random = random(1);
    for (int vocabulary : new int[] {1, 7, 50}) {
      Embedding embedding = new Embedding(Tensor.gaussian(random, vocabulary, 5));
      int[][] tokens = {random.ints(6, 0, vocabulary).toArray()};
      double[] oneHot = new double[6 * vocabulary];
      for (int t = 0; t < 6; t++) oneHot[t * vocabulary + tokens[0][t]] = 1;
      Tensor product = Tensor.of(oneHot, 1, 6, vocabulary).matmul(embedding.table());
      proof.atMost("max |Δ|", gap(embedding.lookUp(tokens).toArray(), product.toArray()), 0);
    }
  }

  static Stream<ReferenceCheckpoint> tied() throws Exception {
    return ReferenceCheckpoint.of("llama", "qwen2", "qwen3", "gpt2")
        .filter(golden -> tied(golden.folder().resolve("config.json")));
  }

  private static boolean tied(Path file) {
    try {
      return JsonFile.read(file).flag("tie_word_embeddings", false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Claim("parity")
  @ParameterizedTest(allowZeroInvocations = true, name = "{0}")
  @MethodSource("tied")
  void logits_of_the_reference_are_its_table_times_its_last_state(
      ReferenceCheckpoint golden, Proof proof) throws IOException {
    Checkpoint files = Checkpoint.open(golden.folder());
    String name =
        files.tensors().containsKey("transformer.wte.weight")
            ? "transformer.wte.weight"
            : "model.embed_tokens.weight";
    long[] shape = files.tensor(name).shape();
    Embedding embedding =
        new Embedding(Tensor.of(files.tensor(name).toDoubles(), (int) shape[0], (int) shape[1]));
    golden
        .prompts()
        .forEach(prompt -> {
          double[] states = prompt.rows("hidden_last");
          int width = (int) shape[1];
          Tensor h =
              Tensor.vector(Arrays.copyOfRange(states, states.length - width, states.length));
          double[] logits = embedding.logits(h.unsqueeze(0)).toArray();
          golden.expect("last logits", logits, prompt.numbers("last_logits"), 1, proof);
        });
  }

  @Claim("same-storage")
  @Test
  void a_tied_head_is_the_table_itself() {
    Llama model = Llama.initialise(TIED, random(2));
    assertThat(model.weights()).doesNotContainKey("lm_head.weight");
    try (var decoder = LlamaDecoder.of(model, FloatFormat.F32, 1)) {
      assertThat(decoder.head).isSameAs(decoder.embedding);
      assertThat(decoder.head.bytes().address()).isEqualTo(decoder.embedding.bytes().address());
    }
    Llama untied = Llama.initialise(with(TIED, Variant.LLAMA), random(3));
    try (var decoder = LlamaDecoder.of(untied, FloatFormat.F32, 1)) {
      assertThat(decoder.head.bytes().address()).isNotEqualTo(decoder.embedding.bytes().address());
    }
  }

  private static LlamaConfig with(LlamaConfig c, Variant variant) {
    return new LlamaConfig(
        c.vocabularySize(),
        c.hiddenSize(),
        c.intermediateSize(),
        c.layers(),
        c.heads(),
        c.keyValueHeads(),
        c.headDim(),
        c.contextLength(),
        c.epsilon(),
        c.rope(),
        variant);
  }

  private static Tensor loss(Llama model, int[][] tokens) {
    int size = model.vocabularySize();
    int[] next =
        Arrays.stream(tokens).flatMapToInt(Arrays::stream).map(t -> (t + 1) % size).toArray();
    return model.forward(tokens).logSoftmax(LAST).reshape(next.length, -1).pick(next).mean().neg();
  }

  /// An untied model whose head has the values of the table: what each path alone would learn.
  private static Gradients bothPaths(Map<String, Tensor> tied, int[][] tokens, Tensor[] leaves) {
    Map<String, Tensor> weights = new LinkedHashMap<>(tied);
    leaves[0] = tied.get("model.embed_tokens.weight").parameter();
    leaves[1] = tied.get("model.embed_tokens.weight").parameter();
    weights.put("model.embed_tokens.weight", leaves[0]);
    weights.put("lm_head.weight", leaves[1]);
    return loss(new Llama(with(TIED, Variant.LLAMA), weights), tokens).backward();
  }

  @Claim("gradient-sum")
  @Test
  void gradient_of_the_tied_table_is_the_sum_of_both_paths(Proof proof) {
    for (int seed = 10; seed < 20; seed++) {
      Map<String, Tensor> weights = RandomModels.weights(TIED, random(seed));
      int[][] tokens = {tokens(7, TIED, random(seed + 100)), tokens(7, TIED, random(seed + 200))};
      Llama model = new Llama(TIED, Weights.trainable(weights));
      Tensor together =
          loss(model, tokens).backward().of(model.weights().get("model.embed_tokens.weight"));
      Tensor[] leaves = new Tensor[2];
      Gradients apart = bothPaths(weights, tokens, leaves);
      Tensor sum = apart.of(leaves[0]).add(apart.of(leaves[1]));
      proof.atMost("max |Δ|", gap(together.toArray(), sum.toArray()), 1e-12);
      proof.atLeast(
          "what the head's path alone would miss",
          gap(together.toArray(), apart.of(leaves[1]).toArray()),
          1e-4);
    }
  }

  @Claim("rows")
  @Test
  void the_look_up_moves_the_rows_it_read_and_the_head_moves_every_row() {
    int[][] tokens = {{3, 5, 3, 8}};
    Tensor[] leaves = new Tensor[2];
    Gradients apart = bothPaths(RandomModels.weights(TIED, random(30)), tokens, leaves);
    for (int token = 0; token < TIED.vocabularySize(); token++) {
      double in = apart.of(leaves[0]).select(0, token).abs().sum().item();
      double out = apart.of(leaves[1]).select(0, token).abs().sum().item();
      boolean read = token == 3 || token == 5 || token == 8;
      assertThat(in > 0).as("look-up of token %d", token).isEqualTo(read);
      assertThat(out).as("head of token %d", token).isPositive();
    }
  }

  /// Sizes of published configurations.
  @Claim("saving")
  @Test
  void tying_saves_a_third_of_a_small_model_and_a_sixteenth_of_a_large_one(Proof proof) {
    Gpt2Config gpt2 = Gpt2Config.published(50257, 768, 12, 12, 1024);
    assertThat(count(gpt2)).isEqualTo(124_439_808);
    Gpt2Config twoTables = new Gpt2Config(50257, 768, 3072, 12, 12, 1024, 1e-5, false, false);
    assertThat(count(twoTables) - count(gpt2)).isEqualTo(50257L * 768);
    proof.measured("GPT-2 small: table / all, %", 100.0 * 50257 * 768 / count(gpt2));

    Rope rope = Rope.llama(128, 500_000);
    LlamaConfig llama =
        new LlamaConfig(128256, 4096, 14336, 32, 32, 8, 128, 8192, 1e-5, rope, Variant.LLAMA);
    assertThat(count(llama)).isEqualTo(8_030_261_248L);
    long saved = count(llama) - count(with(llama, Variant.TIED));
    assertThat(saved).isEqualTo(128256L * 4096);
    proof.measured("Llama 3 8B: table / all, %", 100.0 * saved / count(llama));
  }

  private static long count(ModelConfig config) {
    return config.weightShapes().values().stream()
        .mapToLong(shape -> Arrays.stream(shape).asLongStream().reduce(1, (a, b) -> a * b))
        .sum();
  }

  @Claim("bad-input")
  @Test
  void what_does_not_fit_is_refused() {
    Embedding embedding = new Embedding(Tensor.zeros(4, 3));
    Refusal.of(() -> embedding.lookUp(new int[][] {{4}}), "4", "vocabulary");
    Refusal.of(() -> embedding.lookUp(new int[][] {{-1}}), "-1", "vocabulary");
    Refusal.of(() -> embedding.lookUp(new int[][] {{0, 1}, {2}}), "2", "1");
    Refusal.of(() -> embedding.lookUp(new int[0][]), "token");
    Refusal.of(() -> embedding.logits(Tensor.zeros(2, 4)), "3", "[2, 4]");
    Refusal.of(() -> new Embedding(Tensor.zeros(4)), "table", "[4]");
  }
}
