package lemma.sampling.filter;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.SamplingProofs;
import org.junit.jupiter.api.Test;

@Proves("min-p")
class MinPTest {
  private static final int[] NO_HISTORY = {};

  private static int[] kept(double[] logits, LogitsProcessor... links) {
    return Logits.kept(LogitsProcessor.chain(links).process(NO_HISTORY, logits));
  }

  @Claim("share")
  @Test
  void keeps_exactly_what_has_a_share_of_the_largest_probability() {
    RandomGenerator random = random(1);
    for (int round = 0; round < 200; round++) {
      double[] logits = doubles(SamplingProofs.peaked(1 + random.nextInt(300), 10, random));
      double share = random.nextDouble();
      double[] p = Logits.softmax(logits);
      double bar = share * p[Logits.argMax(logits)];
      int[] wanted = IntStream.range(0, p.length).filter(i -> p[i] >= bar).toArray();
      assertThat(kept(logits, new MinP(share))).isEqualTo(wanted);
    }
  }

  @Claim("logits")
  @Test
  void it_is_a_fixed_distance_below_the_largest_logit_and_needs_no_softmax() {
    RandomGenerator random = random(2);
    for (int round = 0; round < 200; round++) {
      double[] logits = doubles(SamplingProofs.peaked(1 + random.nextInt(300), 10, random));
      double share = random.nextDouble();
      double bar = Logits.check(logits) + Math.log(share);
      int[] wanted = IntStream.range(0, logits.length).filter(i -> logits[i] >= bar).toArray();
      assertThat(kept(logits, new MinP(share))).isEqualTo(wanted);
    }
  }

  @Claim("heat")
  @Test
  void a_temperature_before_it_acts_as_the_share_raised_to_that_power() {
    RandomGenerator random = random(3);
    for (int round = 0; round < 200; round++) {
      double[] logits = doubles(SamplingProofs.peaked(200, 10, random));
      double share = random.nextDouble();
      double t = random.nextDouble(0.2, 3);
      assertThat(kept(logits, new Temperature(t), new MinP(share)))
          .isEqualTo(kept(logits, new MinP(Math.pow(share, t))));
    }
  }

  @Claim("adaptive")
  @Test
  void a_hot_flat_tail_that_fills_the_nucleus_is_cut_by_min_p(Proof proof) {
    // one good token, ten fair ones, and a tail of ten thousand poor ones
    double[] logits =
        IntStream.range(0, 10_000).mapToDouble(i -> i == 0 ? 10 : i < 11 ? 8 : 0).toArray();
    var hot = new Temperature(1.5);
    assertThat(kept(logits, hot, new MinP(0.1))).hasSize(11);
    int nucleus = kept(logits, hot, new TopP(0.9)).length;
    proof.atLeast("tokens in the nucleus 0.9 at T = 1.5", nucleus, 5000);
    // a sure step keeps one token with the same setting
    assertThat(kept(new double[] {9, 3, 2, 1}, new MinP(0.1))).containsExactly(0);
  }

  @Claim("edges")
  @Test
  void share_0_keeps_all_and_1_only_the_largest_and_its_equals() {
    double[] logits = {1, 5, -700, 5, 4.9};
    assertThat(kept(logits, new MinP(0))).hasSize(5);
    assertThat(kept(logits, new MinP(1))).containsExactly(1, 3);
    assertThat(kept(logits, new MinP(1, 3))).containsExactly(1, 3, 4);
    assertThat(kept(logits, new MinP(0.5, 99))).hasSize(5); // no more than there are
  }

  @Claim("agreement")
  @Test
  void the_fast_form_keeps_the_set_of_the_formula() {
    RandomGenerator random = random(4);
    var candidates = new Candidates();
    for (int round = 0; round < 300; round++) {
      float[] logits = SamplingProofs.peaked(1 + random.nextInt(5000), 40, random);
      double t = Math.exp(random.nextDouble(-2, 2));
      var kernel = new SamplingKernel(t, 0, 1, 1e-3 + 0.999 * random.nextDouble());
      kernel.keep(logits, candidates);
      assertThat(candidates.tokens())
          .isEqualTo(kept(doubles(logits), new Temperature(t), new MinP(kernel.minP())));
    }
  }

  @Claim("parity")
  @GoldenCases("sampling/min-p")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    int minimum = golden.integer("min_tokens_to_keep");
    SamplingProofs.expectFilter(golden, new MinP(golden.number("min_p"), minimum), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new MinP(-0.1), "minP", "-0.1");
    Refusal.of(() -> new MinP(1.1), "minP", "1.1");
    Refusal.of(() -> new MinP(Double.NaN), "minP", "NaN");
    Refusal.of(() -> new MinP(0.5, 0), "minTokensToKeep", "0");
    SamplingProofs.requireScores(new MinP(0.1));
  }
}
