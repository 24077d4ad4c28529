package lemma.core.model;

import static lemma.core.model.RandomModels.tokens;
import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
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
class BertTest {
  private static final BertConfig TINY = BertConfig.published(40, 16, 24, 2, 4, 12);

  private static Bert model(BertConfig config, long seed) {
    return new Bert(config, RandomModels.weights(config, random(seed)));
  }

  static Stream<ReferenceCheckpoint> checkpoints() throws Exception {
    return ReferenceCheckpoint.of("bert");
  }

  @Claim("parity")
  @ParameterizedTest(allowZeroInvocations = true, name = "{0}")
  @MethodSource("checkpoints")
  void masked_words_are_those_of_the_reference(ReferenceCheckpoint golden, Proof proof)
      throws IOException {
    Bert model = Bert.load(golden.folder());
    golden
        .prompts()
        .forEach(prompt -> {
          int[] attention = prompt.ints("attention_mask");
          int[][] tokens = {prompt.tokens()};
          int[][] segments = {prompt.ints("token_type_ids")};
          boolean[][] real = {new boolean[attention.length]};
          for (int t = 0; t < attention.length; t++) real[0][t] = attention[t] == 1;
          Tensor logits = model.forward(tokens, segments, real).select(0, 0);
          int[] masked = prompt.ints("mask_positions");
          Tensor guesses = logits.rows(masked);
          golden.expect(
              "logits at the masks", guesses.toArray(), prompt.rows("mask_logits"), 1, proof);
          assertThat(guesses.argMax(LAST)).isEqualTo(prompt.ints("mask_argmax"));
          Tensor seen = logits.mul(Tensor.vector(prompt.numbers("attention_mask")).unsqueeze(1));
          golden.expect(
              "sum of logits",
              seen.sum().toArray(),
              prompt.numbers("logits_sum_real_tokens"),
              logits.count(),
              proof);
          golden.expect(
              "sum of |logits|",
              seen.abs().sum().toArray(),
              prompt.numbers("logits_abs_sum_real_tokens"),
              logits.count(),
              proof);
          double[] first =
              model.hiddenStates(tokens, segments, real).stream()
                  .flatMapToDouble(
                      state -> Arrays.stream(state.select(0, 0).select(0, 0).toArray()))
                  .toArray();
          golden.expect("states of the first token", first, prompt.rows("hidden_first"), 1, proof);
        });
  }

  @Claim("both-sides")
  @Test
  void a_later_token_changes_the_logits_before_it(Proof proof) {
    Bert bert = model(TINY, 1);
    LlamaConfig causal = LlamaConfig.small(40, 16, 24, 2, 4, 2, 12);
    Llama llama = new Llama(causal, RandomModels.weights(causal, random(2)));
    for (int seed = 3; seed < 23; seed++) {
      int[] tokens = tokens(8, TINY, random(seed));
      int[] other = tokens.clone();
      other[7] = (other[7] + 1) % 40;
      for (int before = 0; before < 7; before++) {
        proof.atLeast(
            "least |Δ| in the encoder",
            gap(
                row(bert.forward(new int[][] {tokens}), before),
                row(bert.forward(new int[][] {other}), before)),
            1e-6);
        proof.atMost(
            "largest |Δ| in a decoder",
            gap(
                row(llama.forward(new int[][] {tokens}), before),
                row(llama.forward(new int[][] {other}), before)),
            0);
      }
    }
  }

  private static double[] row(Tensor logits, int position) {
    return logits.select(0, 0).select(0, position).toArray();
  }

  @Claim("padding")
  @Test
  void padding_changes_nothing_for_real_tokens(Proof proof) {
    Bert model = model(TINY, 24);
    int[] text = tokens(7, TINY, random(25));
    double[] alone = model.forward(new int[][] {text}).toArray();
    int[] padded = Arrays.copyOf(text, 10);
    int[] rubbish = padded.clone();
    rubbish[8] = 39;
    boolean[] real = {true, true, true, true, true, true, true, false, false, false};
    Tensor logits =
        model.forward(new int[][] {padded, rubbish}, new int[2][10], new boolean[][] {real, real});
    for (int b = 0; b < 2; b++)
      proof.atMost("max |Δ|", gap(logits.select(0, b).slice(0, 0, 7).toArray(), alone), 1e-12);
  }

  @Claim("copy")
  @Test
  void without_a_mask_a_row_depends_on_the_token_that_it_speaks_of(Proof proof) {
    Bert bert = model(TINY, 26);
    LlamaConfig causal = LlamaConfig.small(40, 16, 24, 2, 4, 2, 12);
    Llama llama = new Llama(causal, RandomModels.weights(causal, random(27)));
    int[] tokens = tokens(8, TINY, random(28));
    int[] other = tokens.clone();
    other[4] = (other[4] + 1) % 40;
    // row 4 of the encoder and row 3 of the decoder both speak of token 4
    proof.atLeast(
        "|Δ| in the encoder",
        gap(row(bert.forward(new int[][] {tokens}), 4), row(bert.forward(new int[][] {other}), 4)),
        1e-3);
    proof.atMost(
        "|Δ| in a decoder",
        gap(
            row(llama.forward(new int[][] {tokens}), 3),
            row(llama.forward(new int[][] {other}), 3)),
        0);
  }

  static Stream<BertConfig> configs() {
    return Stream.of(
        TINY, new BertConfig(30, 12, 20, 1, 2, 9, 3, 1e-5, new Activation.Relu(), false));
  }

  @Claim("gradient")
  @ParameterizedTest
  @MethodSource("configs")
  void gradient_of_every_weight_equals_its_finite_difference(BertConfig config, Proof proof) {
    int[][] tokens = {tokens(6, config, random(29)), tokens(6, config, random(30))};
    int[][] segments = {{0, 0, 0, 1, 1, 1}, {0, 1, 1, 1, 1, 1}};
    boolean[][] real = {
      {true, true, true, true, true, true}, {true, true, true, true, false, false}
    };
    RandomModels.gradients(
        RandomModels.weights(config, random(31)),
        weights ->
            new Bert(config, weights)
                .forward(tokens, segments, real)
                .logSoftmax(LAST)
                .square()
                .mean(),
        proof);
    Bert fresh = Bert.initialise(config, random(32));
    assertThat(fresh.weights().values()).allMatch(Tensor::requiresGrad);
  }

  @Claim("bad-input")
  @Test
  void texts_that_do_not_fit_are_refused() {
    Bert model = model(TINY, 33);
    int[][] two = {{1, 2}};
    boolean[][] real = {{true, true}};
    Refusal.of(() -> model.forward(new int[][] {{40}}), "40", "vocabulary");
    Refusal.of(() -> model.forward(new int[][] {{}}), "token");
    Refusal.of(() -> model.forward(new int[][] {new int[13]}), "13", "context");
    Refusal.of(() -> model.forward(two, new int[][] {{0, 2}}, real), "2", "vocabulary");
    Refusal.of(() -> model.forward(two, new int[][] {{0}}, real), "segments", "2");
    Refusal.of(() -> model.forward(two, new int[1][2], new boolean[][] {{true}}), "real", "1");
    Refusal.of(() -> model.forward(two, new int[1][2], new boolean[1][2]), "no real token");
    Refusal.of(() -> BertConfig.published(40, 16, 24, 2, 5, 12), "heads", "5");
    Refusal.of(() -> new Bert(TINY, Map.of()), "bert.embeddings.word_embeddings", "missing");
  }
}
