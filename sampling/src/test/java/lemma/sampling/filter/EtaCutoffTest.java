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

@Proves("eta")
class EtaCutoffTest {
  private static final int[] NO_HISTORY = {};

  private static int[] kept(double[] logits, LogitsProcessor link) {
    return Logits.kept(link.process(NO_HISTORY, logits));
  }

  @Claim("threshold")
  @Test
  void epsilon_keeps_exactly_what_has_that_probability() {
    RandomGenerator random = random(1);
    for (int round = 0; round < 200; round++) {
      double[] logits = doubles(SamplingProofs.peaked(1 + random.nextInt(300), 10, random));
      double[] p = Logits.softmax(logits);
      double epsilon = p[Logits.argMax(logits)] * random.nextDouble(); // so that one token stays
      int[] wanted = IntStream.range(0, p.length).filter(i -> p[i] >= epsilon).toArray();
      assertThat(kept(logits, new EpsilonCutoff(epsilon, 1))).isEqualTo(wanted);
    }
  }

  @Claim("flat")
  @Test
  void on_a_flat_distribution_epsilon_leaves_one_token_and_eta_all() {
    double[] flat = new double[1000]; // P = 0.001 each, H = ln 1000
    assertThat(kept(flat, new EpsilonCutoff(0.002, 1))).containsExactly(0);
    assertThat(kept(flat, new EtaCutoff(0.002, 1))).hasSize(1000); // η = √0.002 / 1000
  }

  @Claim("sure")
  @Test
  void where_the_entropy_is_low_eta_is_epsilon_and_it_is_never_stricter(Proof proof) {
    RandomGenerator random = random(2);
    int same = 0;
    for (int round = 0; round < 300; round++) {
      double[] logits = doubles(SamplingProofs.peaked(100, 1 + round % 20, random));
      double epsilon = 0.1 * random.nextDouble();
      int[] byEpsilon = kept(logits, new EpsilonCutoff(epsilon, 1));
      int[] byEta = kept(logits, new EtaCutoff(epsilon, 1));
      assertThat(byEta).contains(byEpsilon);
      // √ε e^−H ≥ ε  ⇔  H ≤ −½ ln ε
      if (Logits.entropy(logits) <= -0.5 * Math.log(epsilon)) {
        assertThat(byEta).isEqualTo(byEpsilon);
        same++;
      }
    }
    proof.atLeast("steps of low entropy", same, 50);
  }

  @Claim("edges")
  @Test
  void zero_keeps_all_and_the_minimum_always_stays() {
    double[] logits = {0, 3, 1, 2};
    assertThat(kept(logits, new EpsilonCutoff(0, 1))).hasSize(4);
    assertThat(kept(logits, new EtaCutoff(0, 1))).hasSize(4);
    assertThat(kept(logits, new EpsilonCutoff(0.99, 1))).containsExactly(1);
    assertThat(kept(logits, new EpsilonCutoff(0.99, 2))).containsExactly(1, 3);
    assertThat(kept(logits, new EtaCutoff(0.99, 3))).containsExactly(1, 2, 3);
    assertThat(kept(logits, new EtaCutoff(0.99, 99))).hasSize(4);
  }

  @Claim("parity")
  @GoldenCases("sampling/epsilon-cutoff")
  void epsilon_equals_the_reference(GoldenCase golden, Proof proof) {
    int minimum = golden.integer("min_tokens_to_keep");
    SamplingProofs.expectFilter(
        golden, new EpsilonCutoff(golden.number("epsilon"), minimum), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/eta-cutoff")
  void eta_equals_the_reference(GoldenCase golden, Proof proof) {
    int minimum = golden.integer("min_tokens_to_keep");
    var link = new EtaCutoff(golden.number("epsilon"), minimum);
    SamplingProofs.expectFilter(golden, link, proof);
    golden.expect("entropy", Logits.entropy(golden.doubles("logits")), proof);
    golden.expect("eta", link.eta(golden.doubles("logits")), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new EpsilonCutoff(1, 1), "epsilon", "1");
    Refusal.of(() -> new EpsilonCutoff(0.1, 0), "minTokensToKeep", "0");
    Refusal.of(() -> new EtaCutoff(-0.1, 1), "epsilon", "-0.1");
    Refusal.of(() -> new EtaCutoff(Double.NaN, 1), "epsilon", "NaN");
    Refusal.of(() -> new EtaCutoff(0.1, 0), "minTokensToKeep", "0");
    SamplingProofs.requireScores(new EpsilonCutoff(0.1, 1));
    SamplingProofs.requireScores(new EtaCutoff(0.1, 1));
  }
}
