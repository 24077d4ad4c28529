package lemma.sampling.filter;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.times;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.DoubleStream;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.SamplingProofs;
import org.junit.jupiter.api.Test;

@Proves("top-a")
class TopATest {
  private static final int[] NO_HISTORY = {};

  private static int[] kept(double[] logits, LogitsProcessor... links) {
    return Logits.kept(LogitsProcessor.chain(links).process(NO_HISTORY, logits));
  }

  private static double[] logs(double... probabilities) {
    return DoubleStream.of(probabilities).map(Math::log).toArray();
  }

  @Claim("square")
  @Test
  void top_a_is_min_p_with_a_share_that_follows_the_largest_probability() {
    RandomGenerator random = random(1);
    for (int round = 0; round < 200; round++) {
      double[] logits = doubles(SamplingProofs.peaked(1 + random.nextInt(300), 10, random));
      double a = random.nextDouble();
      double largest = Logits.softmax(logits)[Logits.argMax(logits)];
      assertThat(kept(logits, new TopA(a))).isEqualTo(kept(logits, new MinP(a * largest)));
    }
    // a sure step is cut at a, an unsure one much lower
    assertThat(kept(logs(0.9, 0.06, 0.04), new TopA(0.1))).containsExactly(0); // bar 0.081
    assertThat(kept(logs(0.3, 0.3, 0.2, 0.1, 0.06, 0.04), new TopA(0.1))).hasSize(6); // bar 0.009
  }

  @Claim("tail")
  @Test
  void tail_free_keeps_up_to_where_the_sorted_probabilities_stop_bending() {
    // falling P 0.4 0.3 0.1 0.1 0.1: second differences 0.1, 0.2, 0, of 0.3 in all
    double[] logits = logs(0.1, 0.4, 0.1, 0.3, 0.1);
    assertThat(kept(logits, new TailFree(0))).containsExactly(1);
    assertThat(kept(logits, new TailFree(0.3))).containsExactly(1); // 0.1 is 0.333 of 0.3
    assertThat(kept(logits, new TailFree(0.4))).containsExactly(1, 3);
    assertThat(kept(logits, new TailFree(1))).containsExactly(0, 1, 2, 3); // the last always goes
    assertThat(kept(new double[] {1}, new TailFree(0.5))).containsExactly(0);
    assertThat(kept(new double[] {1, 2}, new TailFree(1))).containsExactly(1);
    assertThat(kept(new double[5], new TailFree(0.5))).containsExactly(0, 1, 2, 3); // no bend
  }

  @Claim("heat-free")
  @Test
  void the_set_of_top_n_sigma_depends_on_no_temperature_where_top_p_and_min_p_do() {
    RandomGenerator random = random(2);
    int moved = 0;
    for (int round = 0; round < 200; round++) {
      double[] logits = doubles(SamplingProofs.peaked(300, 10, random));
      var link = new TopNSigma(random.nextDouble(0.3, 3));
      int[] plain = kept(logits, link);
      for (double t : new double[] {0.3, 2, 10}) {
        assertThat(kept(logits, new Temperature(t), link)).isEqualTo(plain);
        assertThat(kept(times(logits, 1 / t), link)).isEqualTo(plain);
        if (kept(logits, new Temperature(t), new TopP(0.9)).length
                != kept(logits, new TopP(0.9)).length
            && kept(logits, new Temperature(t), new MinP(0.1)).length
                != kept(logits, new MinP(0.1)).length) moved++;
      }
      double[] shifted = Arrays.stream(logits).map(x -> x + 64).toArray();
      assertThat(kept(shifted, link)).isEqualTo(plain);
    }
    assertThat(moved).isGreaterThan(300);
  }

  @Claim("heat-free")
  @Test
  void removed_tokens_do_not_count_and_n_0_keeps_all() {
    double gone = Logits.REMOVED;
    assertThat(kept(new double[] {4, gone, 2, 0}, new TopNSigma(1))).containsExactly(0);
    assertThat(kept(new double[] {4, gone, 2.4, 0}, new TopNSigma(1))).containsExactly(0, 2);
    assertThat(kept(new double[] {4, gone, 2, 0}, new TopNSigma(0))).containsExactly(0, 2, 3);
  }

  @Claim("entropy")
  @Test
  void dynamic_temperature_goes_from_its_low_end_when_sure_to_its_high_end_when_uniform() {
    var link = new DynamicTemperature(1, 0.5, 1);
    assertThat(link.effective(new double[64])).isEqualTo(1.5);
    assertThat(link.effective(new double[] {1000, 0, 0, 0})).isEqualTo(0.5);
    double last = 1.5;
    for (double sharpness = 0.5; sharpness < 20; sharpness += 0.5) {
      double t = link.effective(new double[] {sharpness, 0, 0, 0, 0});
      assertThat(t).isBetween(0.5, last);
      last = t;
    }
    double[] logits = {3, 1, 2};
    assertThat(new DynamicTemperature(0.7, 0, 1).process(NO_HISTORY, logits))
        .isEqualTo(new Temperature(0.7).process(NO_HISTORY, logits));
    assertThat(kept(new double[] {0, 2000}, new DynamicTemperature(1, 2, 1))).containsExactly(1);
  }

  @Claim("parity")
  @GoldenCases("sampling/top-a")
  void top_a_equals_the_reference(GoldenCase golden, Proof proof) {
    SamplingProofs.expectFilter(golden, new TopA(golden.number("top_a")), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/tail-free")
  void tail_free_equals_the_reference(GoldenCase golden, Proof proof) {
    SamplingProofs.expectFilter(golden, new TailFree(golden.number("z")), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/top-n-sigma")
  void top_n_sigma_equals_the_reference(GoldenCase golden, Proof proof) {
    double n = Math.max(0, golden.number("n")); // there a negative n is off as well
    SamplingProofs.expectFilter(golden, new TopNSigma(n), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/dynamic-temperature")
  void dynamic_temperature_equals_the_reference(GoldenCase golden, Proof proof) {
    var link =
        new DynamicTemperature(
            golden.number("temperature"), golden.number("delta"), golden.number("exponent"));
    double[] logits = golden.doubles("logits");
    golden.expect("probs", Logits.softmax(link.process(NO_HISTORY, logits)), proof);
    golden.expect("effective_temperature", link.effective(logits), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new TopA(-0.1), "a must be", "-0.1");
    Refusal.of(() -> new TopA(1.5), "a must be", "1.5");
    Refusal.of(() -> new TailFree(Double.NaN), "z must be", "NaN");
    Refusal.of(() -> new TopNSigma(-1), "n must be", "-1");
    Refusal.of(() -> new TopNSigma(Double.POSITIVE_INFINITY), "n must be", "Infinity");
    Refusal.of(() -> new DynamicTemperature(-1, 0, 1), "temperature", "-1");
    Refusal.of(() -> new DynamicTemperature(1, -1, 1), "delta", "-1");
    Refusal.of(() -> new DynamicTemperature(1, 1, Double.NaN), "exponent", "NaN");
    SamplingProofs.requireScores(new TopA(0.1));
    SamplingProofs.requireScores(new TailFree(0.9));
    SamplingProofs.requireScores(new TopNSigma(1));
    SamplingProofs.requireScores(new DynamicTemperature(1, 0.5, 1));
  }
}
