package lemma.core.model;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.format.FloatFormat;
import lemma.core.position.Rope;
import lemma.core.position.RopeScaling;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every decoder against the reference implementation.
@Proves("decoder-models")
class DecoderModelsTest {

  static Stream<ReferenceCheckpoint> checkpoints() throws Exception {
    return ReferenceCheckpoint.of("llama", "mistral", "mixtral", "qwen2", "qwen3", "gpt2");
  }

  private static LanguageModel formula(ReferenceCheckpoint golden) throws IOException {
    return ModelConfig.read(golden.folder()) instanceof Gpt2Config
        ? Gpt2.load(golden.folder())
        : Llama.load(golden.folder());
  }

  private static List<Tensor> hiddenStates(LanguageModel model, int[][] tokens) {
    return model instanceof Gpt2 gpt2
        ? gpt2.hiddenStates(tokens)
        : ((Llama) model).hiddenStates(tokens);
  }

  private static Tensor logits(LanguageModel model, int[][] tokens) {
    return model instanceof Gpt2 gpt2 ? gpt2.forward(tokens) : ((Llama) model).forward(tokens);
  }

  @Claim("parity")
  @ParameterizedTest(allowZeroInvocations = true, name = "{0}")
  @MethodSource("checkpoints")
  void formula_equals_the_reference_on_whole_prompts(ReferenceCheckpoint golden, Proof proof)
      throws IOException {
    LanguageModel model = formula(golden);
    golden
        .prompts()
        .forEach(prompt -> {
          int[][] tokens = {prompt.tokens()};
          int last = prompt.tokens().length - 1;
          Tensor logits = logits(model, tokens).select(0, 0); // [time, vocabulary]
          golden.expect(
              "last logits",
              logits.select(0, last).toArray(),
              prompt.numbers("last_logits"),
              1,
              proof);
          golden.expect(
              "sum of logits",
              logits.sum().toArray(),
              prompt.numbers("logits_sum"),
              logits.count(),
              proof);
          golden.expect(
              "sum of |logits|",
              logits.abs().sum().toArray(),
              prompt.numbers("logits_abs_sum"),
              logits.count(),
              proof);
          assertThat(logits.argMax(LAST)).isEqualTo(prompt.ints("argmax_per_position"));
          double[] hidden =
              hiddenStates(model, tokens).stream()
                  .flatMapToDouble(
                      state -> Arrays.stream(state.select(0, 0).select(0, last).toArray()))
                  .toArray();
          golden.expect("residual stream", hidden, prompt.rows("hidden_last"), 1, proof);
        });
  }

  @Claim("parity")
  @ParameterizedTest(allowZeroInvocations = true, name = "{0}")
  @MethodSource("checkpoints")
  void both_forms_speak_the_tokens_of_the_reference(ReferenceCheckpoint golden, Proof proof)
      throws IOException {
    speak(golden, formula(golden), proof);
    for (int threads : new int[] {1, 3})
      try (var decoder = DecoderModel.open(golden.folder(), threads)) {
        speak(golden, decoder, proof);
      }
  }

  /// Feeds prompts token by token and as a whole, then 16 tokens, each the most likely one.
  private static void speak(ReferenceCheckpoint golden, LanguageModel model, Proof proof) {
    golden
        .prompts()
        .forEach(prompt -> {
          var session = model.open();
          int[] likeliest =
              Arrays.stream(prompt.tokens())
                  .map(token -> Greedy.argMax(session.append(token)))
                  .toArray();
          assertThat(likeliest).isEqualTo(prompt.ints("argmax_per_position"));
          session.rewind(0);
          float[] logits = session.append(prompt.tokens());
          golden.expect("last logits", doubles(logits), prompt.numbers("last_logits"), 1, proof);
          golden.continues(prompt, session, logits, proof);
        });
  }

  private static LlamaConfig llama(RandomGenerator random) {
    int keyValueHeads = random.nextInt(1, 4);
    int heads = keyValueHeads * random.nextInt(1, 4);
    int headDim = 2 * random.nextInt(1, 9);
    int experts = random.nextBoolean() ? random.nextInt(1, 7) : 0;
    var layout = Rope.Layout.values()[random.nextInt(2)];
    var variant =
        new LlamaConfig.Variant(
            random.nextBoolean(),
            random.nextBoolean(),
            random.nextBoolean(),
            experts == 0 && random.nextBoolean(),
            random.nextBoolean(),
            random.nextBoolean() ? random.nextInt(1, 20) : 0,
            random.nextInt(2));
    return new LlamaConfig(
        random.nextInt(2, 80),
        random.nextInt(1, 40),
        random.nextInt(1, 50),
        random.nextInt(1, 4),
        heads,
        keyValueHeads,
        headDim,
        60,
        1e-5,
        new Rope(headDim, headDim, 10_000, layout, new RopeScaling.None()),
        experts,
        experts == 0 ? 0 : random.nextInt(1, experts + 1),
        variant);
  }

  private static Gpt2Config gpt2(RandomGenerator random) {
    int heads = random.nextInt(1, 5);
    return new Gpt2Config(
        random.nextInt(2, 80),
        heads * random.nextInt(2, 10), // of a single channel LayerNorm leaves nothing but its bias
        random.nextInt(1, 50),
        random.nextInt(1, 4),
        heads,
        60,
        1e-5,
        random.nextBoolean(),
        random.nextBoolean());
  }

  @Claim("agreement")
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void any_small_decoder_says_the_same_in_both_forms_and_however_it_is_fed(
      boolean llama, Proof proof) {
    for (int seed = 0; seed < 40; seed++) {
      RandomGenerator random = random(1000 + seed);
      DecoderConfig config = llama ? llama(random) : gpt2(random);
      Map<String, Tensor> weights = RandomModels.weights(config, random);
      LanguageModel formula;
      DecoderModel fast;
      if (config instanceof LlamaConfig sizes) {
        formula = new Llama(sizes, weights);
        fast = LlamaDecoder.of((Llama) formula, FloatFormat.F32, 1);
      } else {
        formula = new Gpt2((Gpt2Config) config, weights);
        fast = Gpt2Decoder.of((Gpt2) formula, FloatFormat.F32, 1);
      }
      int[] tokens = RandomModels.tokens(random.nextInt(1, 50), config, random);
      Tensor whole = logits(formula, new int[][] {tokens}).select(0, 0);
      int first = random.nextInt(1, tokens.length + 1);
      RandomModels.sessionEquals(formula, tokens, first, whole, 1e-6, proof); // as floats
      RandomModels.sessionEquals(fast, tokens, first, whole, 2e-5, proof);
      fast.close();
    }
  }
}
