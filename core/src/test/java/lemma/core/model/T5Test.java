package lemma.core.model;

import static lemma.core.model.RandomModels.tokens;
import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import lemma.core.activation.Activation;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("architectures")
class T5Test {

  /// The first T5 and v1.1, with stacks of different heights.
  static Stream<T5Config> configs() {
    return Stream.of(
        new T5Config(
            40, 16, 6, 20, 1, 2, 3, 8, 16, 64, 1e-6, new Activation.Relu(), false, true, 0),
        new T5Config(
            30, 12, 4, 16, 2, 1, 2, 8, 20, 64, 1e-6, new Activation.GeluTanh(), true, false, 3));
  }

  private static T5 model(T5Config config, long seed) {
    return new T5(config, RandomModels.weights(config, random(seed)));
  }

  static Stream<ReferenceCheckpoint> checkpoints() throws Exception {
    return ReferenceCheckpoint.of("t5", "mt5");
  }

  @Claim("parity")
  @ParameterizedTest(allowZeroInvocations = true, name = "{0}")
  @MethodSource("checkpoints")
  void encoder_and_decoder_equal_the_reference(ReferenceCheckpoint golden, Proof proof)
      throws IOException {
    T5 model = T5.load(golden.folder());
    golden
        .prompts()
        .forEach(prompt -> {
          int[][] input = {prompt.tokens()};
          int[][] output = {prompt.ints("decoder_input_ids")};
          Tensor logits = model.forward(input, output).select(0, 0);
          Tensor first = logits.select(0, 0);
          Tensor last = logits.select(0, output[0].length - 1);
          golden.expect("first logits", first.toArray(), prompt.numbers("first_logits"), 1, proof);
          golden.expect("last logits", last.toArray(), prompt.numbers("last_logits"), 1, proof);
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
          double[] encoded = model.encode(input).select(0, 0).select(0, 0).toArray();
          golden.expect("encoded", encoded, prompt.numbers("encoder_first"), 1, proof);
          var session = model.given(prompt.tokens()).open();
          golden.continues(prompt, session, session.append(model.config().startToken()), proof);
        });
  }

  @Claim("cache")
  @ParameterizedTest
  @MethodSource("configs")
  void token_by_token_equals_the_whole_output_at_once(T5Config config, Proof proof) {
    T5 model = model(config, 1);
    int[] input = tokens(9, config, random(2));
    int[] output = tokens(20, config, random(3)); // past the last bucket
    Tensor whole = model.forward(new int[][] {input}, new int[][] {output}).select(0, 0);
    Past past = new Past(config.decoderLayers());
    Past seen = model.seen(model.encode(new int[][] {input}));
    for (int t = 0; t < output.length; t++) {
      Tensor step = model.head(model.decode(new int[][] {{output[t]}}, past, seen));
      proof.atMost("max |Δ|", gap(step.toArray(), whole.select(0, t).toArray()), 1e-12);
    }
    RandomModels.sessionEquals(model.given(input), output, 5, whole, 1e-6, proof); // as floats
  }

  @Claim("whole-input")
  @ParameterizedTest
  @MethodSource("configs")
  void the_first_output_sees_the_last_input_and_no_later_output(T5Config config, Proof proof) {
    T5 model = model(config, 4);
    int[] input = tokens(9, config, random(5));
    int[] otherInput = input.clone();
    otherInput[8] = (input[8] + 1) % config.vocabularySize();
    int[] output = tokens(6, config, random(6));
    int[] otherOutput = output.clone();
    otherOutput[5] = (output[5] + 1) % config.vocabularySize();
    double[] wanted = first(model, input, output);
    proof.atLeast("|Δ| by the last input", gap(first(model, otherInput, output), wanted), 1e-6);
    proof.atMost("|Δ| by a later output", gap(first(model, input, otherOutput), wanted), 0);
  }

  private static double[] first(T5 model, int[] input, int[] output) {
    Tensor logits = model.forward(new int[][] {input}, new int[][] {output});
    return logits.select(0, 0).select(0, 0).toArray();
  }

  @Claim("encoded-once")
  @ParameterizedTest
  @MethodSource("configs")
  void writing_reads_no_weight_of_the_encoder(T5Config config) {
    T5 model = model(config, 7);
    Map<String, Tensor> poisoned = new LinkedHashMap<>(model.weights());
    poisoned.replaceAll(
        (name, weight) -> name.startsWith("encoder.") ? weight.mul(Double.NaN) : weight);
    T5 without = new T5(config, poisoned);
    Tensor encoded = model.encode(new int[][] {tokens(7, config, random(8))});
    int[][] output = {tokens(5, config, random(9))};
    double[] wanted = decoded(model, encoded, output);
    assertThat(decoded(without, encoded, output)).isEqualTo(wanted);
    assertThat(wanted).doesNotContain(Double.NaN);
    // nor does what it keeps of the input grow with the output
    Past seen = model.seen(encoded);
    decoded(model, encoded, output);
    assertThat(seen.length()).isEqualTo(7);
  }

  private static double[] decoded(T5 model, Tensor encoded, int[][] output) {
    Past past = new Past(model.config().decoderLayers());
    return model.head(model.decode(output, past, model.seen(encoded))).toArray();
  }

  @Claim("no-scale")
  @Test
  void its_first_scores_have_the_variance_that_a_scale_would_give(Proof proof) {
    int width = 256;
    int headDim = 64;
    T5 model = T5.initialise(T5Config.gated(10, width, headDim, 8, 1, 8, true), random(10));
    String name = "encoder.block.0.layer.0.SelfAttention.";
    Tensor x = Tensor.gaussian(random(11), 60, width); // as the norm leaves it: mean square 1
    Tensor q = x.matmulTransposed(model.weights().get(name + "q.weight")).slice(1, 0, headDim);
    Tensor k = x.matmulTransposed(model.weights().get(name + "k.weight")).slice(1, 0, headDim);
    double plain = q.matmulTransposed(k).variance().item();
    // W_Q as any other matrix, and scores divided by √headDim
    Tensor usual = q.mul(Math.sqrt(headDim)).matmulTransposed(k).div(Math.sqrt(headDim));
    proof.atMost("|variance of a score − 1|", Math.abs(plain - 1), 0.2); // 3600 scores
    proof.atMost(
        "relative gap to scaled scores", Math.abs(usual.variance().item() / plain - 1), 1e-12);
    proof.atLeast("variance with neither", q.mul(8).matmulTransposed(k).variance().item(), 50);
  }

  @Claim("tied-scale")
  @Test
  void a_tied_head_is_divided_by_the_root_of_the_width(Proof proof) {
    T5Config config = configs().findFirst().orElseThrow();
    T5 model = model(config, 12);
    Tensor x = Tensor.gaussian(random(13), 1, 3, config.hiddenSize());
    Tensor wanted = x.matmulTransposed(model.weights().get("shared.weight")).div(4); // √16
    proof.atMost("max |Δ|", gap(model.head(x).toArray(), wanted.toArray()), 1e-12);
  }

  @Claim("gradient")
  @ParameterizedTest
  @MethodSource("configs")
  void gradient_of_every_weight_equals_its_finite_difference(T5Config config, Proof proof) {
    int[][] input = {tokens(6, config, random(14)), tokens(6, config, random(15))};
    int[][] output = {tokens(4, config, random(16)), tokens(4, config, random(17))};
    RandomModels.gradients(
        RandomModels.weights(config, random(18)),
        weights -> new T5(config, weights).forward(input, output).logSoftmax(LAST).square().mean(),
        proof);
    T5 fresh = T5.initialise(config, random(19));
    assertThat(fresh.weights().values()).allMatch(Tensor::requiresGrad);
  }

  @Claim("bad-input")
  @Test
  void texts_that_do_not_fit_are_refused() {
    T5Config config = configs().findFirst().orElseThrow();
    T5 model = model(config, 20);
    Refusal.of(() -> model.forward(new int[][] {{1}}, new int[][] {{1}, {2}}), "1", "2");
    Refusal.of(() -> model.encode(new int[][] {{40}}), "40", "vocabulary");
    Refusal.of(() -> model.given(), "token");
    var session = model.given(1, 2).open();
    double[] first = doubles(session.append(0));
    Refusal.of(() -> session.append(new int[64]), "64", "context");
    Refusal.of(() -> session.append(-1), "-1", "vocabulary");
    session.append(5, 6);
    session.rewind(0);
    assertThat(doubles(session.append(0))).isEqualTo(first);
    Refusal.of(() -> T5Config.gated(10, 8, 4, 8, 0, 2, true), "encoderLayers", "0");
    Refusal.of(
        () ->
            new T5Config(
                9, 8, 4, 8, 1, 1, 2, 8, 16, 64, 1e-6, new Activation.Relu(), true, true, 9),
        "9",
        "vocabulary");
    Refusal.of(
        () ->
            new T5Config(9, 8, 4, 8, 1, 1, 2, 8, 2, 64, 1e-6, new Activation.Relu(), true, true, 0),
        "maxDistance",
        "2");
  }
}
