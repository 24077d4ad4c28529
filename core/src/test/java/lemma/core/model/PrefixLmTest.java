package lemma.core.model;

import static lemma.core.model.RandomModels.tokens;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.Stream;
import lemma.core.model.LlamaConfig.Variant;
import lemma.core.position.Rope;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("architectures")
class PrefixLmTest {
  static Stream<LlamaConfig> configs() {
    Rope rope = Rope.llama(6, 10_000);
    return Stream.of(
        LlamaConfig.small(40, 16, 24, 2, 4, 2, 30),
        new LlamaConfig(40, 16, 24, 2, 4, 4, 6, 30, 1e-6, rope, 4, 2, Variant.LLAMA));
  }

  private static PrefixLm model(LlamaConfig config, long seed) {
    return new PrefixLm(new Llama(config, RandomModels.weights(config, random(seed))));
  }

  @Claim("prefix")
  @ParameterizedTest
  @MethodSource("configs")
  void a_prefix_sees_itself_whole_and_nothing_sees_what_comes_after(
      LlamaConfig config, Proof proof) {
    PrefixLm model = model(config, 1);
    int prefix = 5;
    int[] tokens = tokens(9, config, random(2));
    double[][] before = rows(model, tokens, prefix);
    for (int changed = 0; changed < tokens.length; changed++) {
      int[] other = tokens.clone();
      other[changed] = (other[changed] + 1) % 40;
      double[][] after = rows(model, other, prefix);
      for (int row = 0; row < tokens.length; row++) {
        double gap = gap(after[row], before[row]);
        if (changed <= row || changed < prefix) proof.atLeast("least |Δ| where it sees", gap, 1e-6);
        else proof.atMost("largest |Δ| where it does not", gap, 0);
      }
    }
  }

  private static double[][] rows(PrefixLm model, int[] tokens, int prefix) {
    Tensor logits = model.forward(new int[][] {tokens}, prefix).select(0, 0);
    double[][] rows = new double[tokens.length][];
    for (int t = 0; t < rows.length; t++) rows[t] = logits.select(0, t).toArray();
    return rows;
  }

  @Claim("only-the-mask")
  @ParameterizedTest
  @MethodSource("configs")
  void with_a_prefix_of_one_it_is_the_causal_decoder(LlamaConfig config) {
    PrefixLm model = model(config, 3);
    int[][] tokens = {tokens(9, config, random(4)), tokens(9, config, random(5))};
    double[] causal = model.decoder().forward(tokens).toArray();
    assertThat(model.forward(tokens, 0).toArray()).isEqualTo(causal);
    assertThat(model.forward(tokens, 1).toArray()).isEqualTo(causal);
    assertThat(model.forward(tokens, 2).toArray()).isNotEqualTo(causal);
  }

  @Claim("cache")
  @ParameterizedTest
  @MethodSource("configs")
  void a_prefix_at_once_and_the_rest_token_by_token_equals_the_whole(
      LlamaConfig config, Proof proof) {
    PrefixLm model = model(config, 6);
    int[] tokens = tokens(14, config, random(7));
    for (int prefix : new int[] {1, 2, 6, 13, 14}) {
      Tensor whole = model.forward(new int[][] {tokens}, prefix).select(0, 0);
      RandomModels.sessionEquals(model, tokens, prefix, whole, 1e-6, proof); // as floats
    }
  }

  @Claim("bad-input")
  @Test
  void a_prefix_cannot_be_forgotten_in_part() {
    PrefixLm model = model(LlamaConfig.small(40, 16, 24, 2, 4, 2, 30), 8);
    var session = model.open();
    double[] wanted = doubles(session.append(1, 2, 3));
    session.append(4, 5);
    Refusal.of(() -> session.rewind(2), "2", "prefix");
    Refusal.of(() -> session.rewind(6), "6", "5");
    session.rewind(3);
    session.rewind(0);
    session.append(7, 8);
    session.rewind(0);
    assertThat(doubles(session.append(1, 2, 3))).isEqualTo(wanted);
    Refusal.of(() -> model.forward(new int[][] {{1, 2}}, 3), "prefix", "3");
    Refusal.of(() -> model.forward(new int[][] {{1, 2}}, -1), "prefix", "-1");
    var windowed = new Variant(true, false, false, false, false, 4, 0);
    var config = new LlamaConfig(40, 8, 8, 1, 2, 2, 4, 30, 1e-6, Rope.llama(4, 1e4), windowed);
    Refusal.of(() -> model(config, 9), "slidingWindow", "4");
    assertThat(Arrays.asList(model.vocabularySize(), model.contextLength()))
        .containsExactly(40, 30);
  }
}
