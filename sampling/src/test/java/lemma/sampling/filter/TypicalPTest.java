package lemma.sampling.filter;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.SamplingProofs;
import org.junit.jupiter.api.Test;

@Proves("typical")
class TypicalPTest {
  private static final int[] NO_HISTORY = {};

  private static int[] kept(double[] logits, LogitsProcessor link) {
    return Logits.kept(link.process(NO_HISTORY, logits));
  }

  @Claim("nearest")
  @Test
  void what_stays_is_nearer_to_the_entropy_than_what_goes_and_no_more_than_needed(Proof proof) {
    RandomGenerator random = random(1);
    for (int round = 0; round < 200; round++) {
      double[] logits = doubles(SamplingProofs.peaked(2 + random.nextInt(200), 10, random));
      double p = random.nextDouble();
      double[] probabilities = Logits.softmax(logits);
      double entropy = Logits.entropy(logits);
      boolean[] stays = new boolean[logits.length];
      for (int token : kept(logits, new TypicalP(p))) stays[token] = true;
      double mass = 0;
      double farthest = 0;
      double last = 0; // mass of the farthest that stays
      double nearestGone = Double.POSITIVE_INFINITY;
      for (int i = 0; i < logits.length; i++) {
        double distance = Math.abs(-Math.log(probabilities[i]) - entropy);
        if (!stays[i]) nearestGone = Math.min(nearestGone, distance);
        else {
          mass += probabilities[i];
          if (distance >= farthest) last = probabilities[i];
          farthest = Math.max(farthest, distance);
        }
      }
      assertThat(farthest).isLessThanOrEqualTo(nearestGone);
      proof.atLeast("mass − p", mass - p, -1e-12); // the rounding of this sum
      proof.atMost("mass without the last − p", mass - last - p, 1e-12);
    }
  }

  @Claim("argmax-goes")
  @Test
  void the_most_probable_token_may_go() {
    // P = 0.3 and seven times 0.1: H = 1.97 nats, ln 10 = 2.30 is nearer to it than ln (1/0.3) =
    // 1.20
    double[] logits = DoubleStream.of(3, 1, 1, 1, 1, 1, 1, 1).map(Math::log).toArray();
    assertThat(kept(logits, new TypicalP(0.45))).containsExactly(1, 2, 3, 4, 5);
    assertThat(kept(logits, new TopP(0.45))).containsExactly(0, 1, 2);
  }

  @Claim("sure")
  @Test
  void where_the_model_is_sure_it_keeps_the_most_probable_token() {
    // P(0) ≥ 0.9: its surprise and H are both near 0, every other token is far off
    RandomGenerator random = random(2);
    for (int round = 0; round < 100; round++) {
      double[] logits = random.doubles(50, -1, 1).toArray();
      logits[7] = 8;
      assertThat(kept(logits, new TypicalP(0.9))).containsExactly(7);
    }
  }

  @Claim("edges")
  @Test
  void equals_go_by_rising_id_p_1_keeps_all_and_at_least_one_stays() {
    assertThat(kept(new double[8], new TypicalP(0.5))).containsExactly(0, 1, 2, 3);
    double[] logits = {1, 2, Double.NEGATIVE_INFINITY, 0};
    assertThat(kept(logits, new TypicalP(1))).containsExactly(0, 1, 3);
    assertThat(kept(logits, new TypicalP(0))).hasSize(1);
    assertThat(kept(logits, new TypicalP(0, 2))).hasSize(2);
    assertThat(kept(new double[] {5}, new TypicalP(0.2))).containsExactly(0);
    double[] scores = {3, 1, 4};
    int[] all = IntStream.range(0, 3).toArray();
    assertThat(kept(scores, new TypicalP(0.1, 9))).isEqualTo(all);
    assertThat(Arrays.stream(new TypicalP(1).process(NO_HISTORY, scores)).toArray())
        .isEqualTo(scores);
  }

  @Claim("parity")
  @GoldenCases("sampling/typical-p")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    int minimum = golden.integer("min_tokens_to_keep");
    SamplingProofs.expectFilter(golden, new TypicalP(golden.number("mass"), minimum), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new TypicalP(-0.1), "p", "-0.1");
    Refusal.of(() -> new TypicalP(1.1), "p", "1.1");
    Refusal.of(() -> new TypicalP(Double.NaN), "p", "NaN");
    Refusal.of(() -> new TypicalP(0.5, 0), "minTokensToKeep", "0");
    SamplingProofs.requireScores(new TypicalP(0.9));
  }
}
