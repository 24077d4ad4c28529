package lemma.core.position;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("alibi")
class AlibiTest {

  @Claim("linear")
  @Test
  void bias_is_0_on_the_diagonal_and_linear_in_the_distance() {
    for (int heads : new int[] {1, 2, 3, 8, 12, 71}) {
      double[] slopes = new Alibi(heads).slopes();
      Tensor bias = new Alibi(heads).bias(20, 20, 0);
      for (int h = 0; h < heads; h++)
        for (int i = 0; i < 20; i++)
          for (int j = 0; j <= i; j++)
            assertThat(bias.get(h, i, j)).isEqualTo(i == j ? 0 : -slopes[h] * (i - j));
      Tensor last = new Alibi(heads).bias(2, 20, 18); // behind a cache
      assertThat(last.toArray()).isEqualTo(bias.slice(1, 18, 20).toArray());
    }
  }

  @Claim("slopes")
  @Test
  void slopes_of_a_power_of_two_are_geometric_down_to_2_to_the_minus_8(Proof proof) {
    for (int heads = 1; heads <= 128; heads *= 2) {
      double[] slopes = new Alibi(heads).slopes();
      double ratio = Math.pow(2, -8.0 / heads);
      assertThat(slopes).hasSize(heads);
      for (int h = 0; h < heads; h++)
        proof.atMost(
            "relative |slope / ratio^h − 1|",
            Math.abs(slopes[h] / Math.pow(ratio, h + 1) - 1),
            1e-13);
      assertThat(slopes[heads - 1]).isEqualTo(1 / 256.0);
    }
    assertThat(new Alibi(8).slopes())
        .containsExactly(
            1 / 2.0, 1 / 4.0, 1 / 8.0, 1 / 16.0, 1 / 32.0, 1 / 64.0, 1 / 128.0, 1 / 256.0);
  }

  @Claim("any-heads")
  @Test
  void other_head_counts_fill_the_gaps_of_the_next_smaller_power_of_two() {
    for (int heads = 1; heads <= 200; heads++) {
      int power = Integer.highestOneBit(heads);
      double[] slopes = new Alibi(heads).slopes();
      assertThat(Arrays.copyOf(slopes, power)).isEqualTo(new Alibi(power).slopes());
      double[] twice = new Alibi(2 * power).slopes();
      for (int h = power; h < heads; h++) assertThat(slopes[h]).isEqualTo(twice[2 * (h - power)]);
      assertThat(Arrays.stream(slopes).distinct().count()).isEqualTo(heads);
    }
  }

  @Claim("mass")
  @Test
  void attention_beyond_a_distance_is_bounded_by_the_slope_in_a_text_of_any_length(Proof proof) {
    RandomGenerator random = random(1);
    Alibi alibi = new Alibi(8);
    for (int time : new int[] {50, 500, 4000}) {
      double spread = 2; // scores lie within ±2
      Tensor scores = Tensor.uniform(-spread, spread, random, 8, 1, time);
      Tensor weights = scores.add(alibi.bias(1, time, time - 1)).softmax(LAST);
      for (int h = 0; h < 8; h++)
        for (int distance : new int[] {1, 5, 20, 100, 1000}) {
          if (distance >= time) continue;
          double beyond = weights.select(0, h).slice(LAST, 0, time - 1 - distance).sum().item();
          double bound = Math.exp(2 * spread - alibi.slopes()[h] * (distance + 1));
          proof.atMost("mass / bound", beyond / bound, 1);
        }
    }
    Tensor worst = // the far keys score high, the near ones low: the bound is all but reached
        Tensor.concat(LAST, Tensor.full(2, 8, 1, 3979), Tensor.full(-2, 8, 1, 21));
    Tensor weights = worst.add(alibi.bias(1, 4000, 3999)).softmax(LAST);
    double beyond = weights.select(0, 0).slice(LAST, 0, 3979).sum().item();
    proof.atLeast("mass / bound at worst", beyond / Math.exp(4 - 0.5 * 21), 0.9);
  }

  @Claim("key-form")
  @Test
  void bias_by_key_alone_gives_the_same_weights(Proof proof) {
    RandomGenerator random = random(2);
    for (int heads : new int[] {2, 6}) {
      Alibi alibi = new Alibi(heads);
      Tensor scores = Tensor.gaussian(random, heads, 30, 30);
      Tensor hidden = new AttentionMask.Causal().hidden(30, 30, 0);
      Tensor byPair = softmax(scores.add(alibi.bias(30, 30, 0)), hidden);
      Tensor byKey = softmax(scores.add(alibi.keyBias(30).unsqueeze(1)), hidden);
      proof.atMost("max |Δ| of the weights", gap(byKey.toArray(), byPair.toArray()), 1e-14);
    }
  }

  private static Tensor softmax(Tensor scores, Tensor hidden) {
    return scores.maskedFill(hidden, Double.NEGATIVE_INFINITY).softmax(LAST);
  }

  @Claim("reach")
  @Test
  void a_text_far_longer_than_the_reach_changes_nothing(Proof proof) {
    RandomGenerator random = random(3);
    Alibi alibi = new Alibi(4); // the steepest head has slope 1/4
    Tensor q = Tensor.gaussian(random, 4, 1, 8);
    Tensor k = Tensor.gaussian(random, 4, 2000, 8);
    Tensor v = Tensor.gaussian(random, 4, 2000, 8);
    Tensor whole = last(alibi, q, k, v, 2000);
    proof.atMost( // e^(−200/4) = 2e-22 is left
        "change of the steepest head without the first 1800 of 2000 tokens",
        gap(last(alibi, q, k, v, 200).select(0, 0).toArray(), whole.select(0, 0).toArray()),
        1e-13);
    proof.atLeast(
        "change of the flattest head",
        gap(last(alibi, q, k, v, 200).select(0, 3).toArray(), whole.select(0, 3).toArray()),
        0.01);
  }

  /// The output of the last query over the last `keys` keys.
  private static Tensor last(Alibi alibi, Tensor q, Tensor k, Tensor v, int keys) {
    int from = k.size(1) - keys;
    return ScaledDotProduct.of(8)
        .apply(
            q,
            k.slice(1, from, k.size(1)),
            v.slice(1, from, k.size(1)),
            Tensor.zeros(1, 1),
            alibi.bias(1, keys, keys - 1))
        .output();
  }

  @Claim("parity")
  @GoldenCases("core/alibi")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    Alibi alibi = new Alibi(golden.integer("n_heads"));
    golden.expect("slopes", alibi.slopes(), proof);
    int time = golden.integer("T");
    if (time == 0) return; // slopes only
    Tensor hidden = new AttentionMask.Causal().hidden(time, time, 0);
    Tensor bias = alibi.bias(time, time, 0);
    golden.expect("bias", bias.maskedFill(hidden, Double.NEGATIVE_INFINITY), proof);
    golden.expect("bias_key", alibi.keyBias(time), proof);
    golden.expect("probs", softmax(golden.tensor("scores").add(bias), hidden), proof);
    Tensor byKey = golden.tensor("scores").add(alibi.keyBias(time).unsqueeze(1));
    golden.expect("probs", softmax(byKey, hidden), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new Alibi(0), "heads", "0");
    Refusal.of(() -> new Alibi(2).bias(3, -1, 0), "keys", "-1");
    Refusal.of(() -> new Alibi(2).bias(3, 3, -2), "offset", "-2");
    Refusal.of(() -> new Alibi(2).keyBias(-1), "keys", "-1");
  }
}
