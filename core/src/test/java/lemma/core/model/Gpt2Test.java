package lemma.core.model;

import static lemma.core.model.RandomModels.tokens;
import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lemma.core.format.FloatFormat;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("decoder-models")
class Gpt2Test {

  /// Both layouts, both heads, widths beside the lane count.
  static Stream<Gpt2Config> configs() {
    return Stream.of(
        Gpt2Config.published(61, 24, 2, 3, 90),
        new Gpt2Config(61, 24, 40, 2, 2, 90, 1e-5, false, false),
        new Gpt2Config(50, 20, 36, 3, 4, 90, 1e-5, true, true));
  }

  private static Gpt2 model(Gpt2Config config, long seed) {
    return new Gpt2(config, RandomModels.weights(config, random(seed)));
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("configs")
  void fast_decoder_equals_the_formula(Gpt2Config config, Proof proof) {
    Gpt2 model = model(config, 1);
    int[] tokens = tokens(75, config, random(2)); // more than two chunks of a prompt
    Tensor formula = model.forward(new int[][] {tokens}).select(0, 0);
    try (var decoder = Gpt2Decoder.of(model, FloatFormat.F32, 2)) {
      for (int first : new int[] {1, 31, 32, 33, 70}) // two layers of sums of at most 96 floats
      RandomModels.sessionEquals(decoder, tokens, first, formula, 2e-5, proof);
    }
  }

  @Claim("agreement")
  @Test
  void a_projection_may_be_stored_either_way_round(Proof proof) {
    Gpt2Config conv = Gpt2Config.published(61, 24, 2, 3, 90);
    Gpt2Config rows = new Gpt2Config(61, 24, 96, 2, 3, 90, 1e-5, true, true);
    Gpt2 model = model(conv, 3);
    Map<String, Tensor> turned = new LinkedHashMap<>();
    rows.weightShapes()
        .forEach((name, shape) -> {
          Tensor weight = model.weights().get(name);
          boolean projection = name.matches(".*c_(attn|proj|fc)\\.weight");
          turned.put(name, projection ? weight.transpose(0, 1) : weight);
        });
    int[][] tokens = {tokens(9, conv, random(4))};
    double[] wanted = model.forward(tokens).toArray();
    proof.atMost("max |Δ|", gap(new Gpt2(rows, turned).forward(tokens).toArray(), wanted), 1e-12);
  }

  @Claim("cache")
  @ParameterizedTest
  @MethodSource("configs")
  void token_by_token_equals_the_whole_text_at_once(Gpt2Config config, Proof proof) {
    Gpt2 model = model(config, 5);
    int[] tokens = tokens(12, config, random(6));
    Tensor whole = model.forward(new int[][] {tokens}).select(0, 0);
    var past = new Past(config.layers());
    for (int t = 0; t < tokens.length; t++) {
      Tensor x = model.hiddenStates(new int[][] {{tokens[t]}}, past).getLast();
      proof.atMost("max |Δ|", gap(model.head(x).toArray(), whole.select(0, t).toArray()), 1e-12);
    }
  }

  @Claim("threads")
  @Test
  void logits_are_the_same_with_any_number_of_threads(Proof proof) {
    Gpt2Config config = Gpt2Config.published(300, 96, 2, 4, 90); // large enough to be shared
    Gpt2 model = model(config, 17);
    int[] tokens = tokens(70, config, random(18));
    float[] wanted = null;
    for (int threads = 1; threads <= 4; threads++)
      try (var decoder = Gpt2Decoder.of(model, FloatFormat.F16, threads)) {
        float[] logits = decoder.open().append(tokens);
        if (wanted == null) wanted = logits;
        // lanes may add up in another order once the code is compiled
        proof.atMost("max |Δ| of the logits", gap(doubles(logits), doubles(wanted)), 1e-3);
        assertThat(Greedy.argMax(logits)).isEqualTo(Greedy.argMax(wanted));
      }
  }

  @Claim("causal")
  @ParameterizedTest
  @MethodSource("configs")
  void a_later_token_and_another_row_change_nothing(Gpt2Config config) {
    Gpt2 model = model(config, 7);
    int[] tokens = tokens(9, config, random(8));
    int[] other = tokens.clone();
    other[6] = (other[6] + 1) % config.vocabularySize();
    double[] alone = model.forward(new int[][] {tokens}).toArray();
    Tensor both = model.forward(new int[][] {other, tokens});
    assertThat(both.select(0, 1).toArray()).isEqualTo(alone);
    double[] before = both.select(0, 0).slice(0, 0, 6).toArray();
    assertThat(before).isEqualTo(Arrays.copyOf(alone, before.length));
  }

  @Claim("gradient")
  @ParameterizedTest
  @MethodSource("configs")
  void gradient_of_every_weight_equals_its_finite_difference(Gpt2Config config, Proof proof) {
    int[][] tokens = {tokens(5, config, random(9)), tokens(5, config, random(10))};
    RandomModels.gradients(
        RandomModels.weights(config, random(11)),
        weights -> new Gpt2(config, weights).forward(tokens).logSoftmax(LAST).square().mean(),
        proof);
  }

  @Claim("initialisation")
  @Test
  void a_new_model_knows_nothing(Proof proof) {
    Gpt2Config config = Gpt2Config.published(500, 64, 4, 4, 64);
    Gpt2 model = Gpt2.initialise(config, random(12));
    int[] tokens = tokens(32, config, random(13));
    int[] next = tokens(32, config, random(14));
    Tensor logProbabilities = model.forward(new int[][] {tokens}).logSoftmax(LAST).select(0, 0);
    double loss = -logProbabilities.pick(next).mean().item();
    proof.atMost("|loss − ln vocabulary|", Math.abs(loss - Math.log(500)), 0.05);
    assertThat(model.weights().values()).allMatch(Tensor::requiresGrad);
  }

  @Claim("learned-positions")
  @Test
  void without_its_position_table_one_layer_cannot_tell_the_order(Proof proof) {
    double[] gaps = new double[3];
    for (int layers = 1; layers <= 2; layers++) {
      Gpt2Config config = Gpt2Config.published(40, 16, layers, 2, 20);
      Map<String, Tensor> weights = RandomModels.weights(config, random(15));
      Gpt2 placed = new Gpt2(config, weights);
      gaps[0] = gap(last(placed, 8, 3, 5), last(placed, 3, 8, 5));
      proof.atLeast("with the table", gaps[0], 0.1);
      String table = "transformer.wpe.weight";
      Tensor none = Tensor.zeros(20, 16);
      Gpt2 lost = new Gpt2(config, RandomModels.with(weights, table, none));
      gaps[layers] = gap(last(lost, 8, 3, 5), last(lost, 3, 8, 5));
    }
    proof.atMost("without it, one layer", gaps[1], 1e-12);
    proof.atLeast("without it, two layers", gaps[2], 0.1); // the causal mask tells
  }

  private static double[] last(Gpt2 model, int... tokens) {
    return Weights.last(model.forward(new int[][] {tokens})).toArray();
  }

  @Claim("bad-input")
  @Test
  void tokens_that_do_not_fit_are_refused() {
    Gpt2Config config = Gpt2Config.published(40, 16, 2, 2, 20);
    Gpt2 model = model(config, 16);
    try (var decoder = Gpt2Decoder.of(model, FloatFormat.F32, 1)) {
      for (LanguageModel form : List.of(model, decoder)) {
        var session = form.open();
        float[] one = session.append(1).clone();
        Refusal.of(() -> session.append(), "token");
        Refusal.of(() -> session.append(40), "40", "vocabulary");
        Refusal.of(() -> session.append(new int[20]), "20", "context");
        Refusal.of(() -> session.rewind(2), "2", "1");
        session.append(5, 6, 7);
        session.rewind(0);
        assertThat(gap(doubles(session.append(1)), doubles(one))).isLessThan(1e-5);
      }
    }
    Refusal.of(() -> Gpt2Config.published(40, 16, 2, 3, 20), "heads", "3", "16");
    Refusal.of(() -> Gpt2Config.published(40, 16, 0, 2, 20), "layers", "0");
    Refusal.of(
        () -> Gpt2Config.published(Integer.MAX_VALUE, 16, 2, 2, 20), "2147483647", "too large");
  }
}
