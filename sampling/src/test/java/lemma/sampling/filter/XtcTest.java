package lemma.sampling.filter;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.random;
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

@Proves("xtc")
class XtcTest {
  private static final int[] NO_HISTORY = {};

  private static double[] logs(double... probabilities) {
    return DoubleStream.of(probabilities).map(Math::log).toArray();
  }

  private static int[] excluded(double threshold, double[] logits) {
    return Logits.kept(new Xtc(threshold, 1).with(random(0)).process(NO_HISTORY, logits));
  }

  @Claim("least-stays")
  @Test
  void of_the_tokens_over_the_threshold_only_the_least_probable_stays() {
    double[] logits = logs(0.4, 0.05, 0.25, 0.2, 0.1);
    assertThat(excluded(0.15, logits)).containsExactly(1, 3, 4);
    assertThat(excluded(0.01, logits)).containsExactly(1); // all are over it
    RandomGenerator random = random(1);
    for (int round = 0; round < 200; round++) {
      double[] scores = doubles(SamplingProofs.peaked(100, 10, random));
      double threshold = 0.3 * random.nextDouble();
      double[] p = Logits.softmax(scores);
      double[] good = Arrays.stream(p).filter(x -> x >= threshold).sorted().toArray();
      int removed = Math.max(0, good.length - 1);
      int[] kept = excluded(threshold, scores);
      assertThat(kept).hasSize(100 - removed);
      if (good.length > 0) for (int token : kept) assertThat(p[token]).isLessThanOrEqualTo(good[0]);
    }
  }

  @Claim("one-choice")
  @Test
  void with_fewer_than_two_over_the_threshold_nothing_goes() {
    assertThat(excluded(0.15, logs(0.9, 0.06, 0.04))).hasSize(3);
    assertThat(excluded(0.5, logs(0.34, 0.33, 0.33))).hasSize(3);
    assertThat(excluded(0.1, new double[] {2})).containsExactly(0);
    double gone = Logits.REMOVED;
    assertThat(excluded(0, new double[] {1, gone, 2})).containsExactly(0); // 1 is the least left
  }

  @Claim("half")
  @Test
  void a_threshold_of_one_half_still_acts_and_above_it_never() {
    double[] twins = {0, 0};
    assertThat(excluded(0.5, twins)).containsExactly(1);
    assertThat(excluded(Math.nextUp(0.5), twins)).hasSize(2);
  }

  @Claim("chance")
  @Test
  void it_fires_with_the_given_chance_and_takes_one_number_a_step(Proof proof) {
    double[] logits = logs(0.5, 0.3, 0.2);
    for (double chance : new double[] {0, 0.1, 0.5, 1}) {
      var run = new Xtc(0.1, chance).with(random(2));
      int fired = 0;
      for (int i = 0; i < 20_000; i++)
        if (run.process(NO_HISTORY, logits)[0] == Logits.REMOVED) fired++;
      // four standard deviations of a binomial share
      double spread = 4 * Math.sqrt(chance * (1 - chance) / 20_000);
      proof.atMost("|share − chance|", Math.abs(fired / 20_000.0 - chance), spread);
    }
    RandomGenerator used = random(3);
    RandomGenerator counted = random(3);
    new Xtc(0.1, 0.5).with(used).process(NO_HISTORY, logits);
    counted.nextDouble();
    assertThat(used.nextLong()).isEqualTo(counted.nextLong());
  }

  @Claim("parity")
  @GoldenCases("sampling/xtc")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    var xtc = new Xtc(golden.number("threshold"), golden.number("probability"));
    SamplingProofs.expectFilter(golden, xtc.with(random(4)), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new Xtc(-0.1, 0.5), "threshold", "-0.1");
    Refusal.of(() -> new Xtc(0.1, 1.5), "probability", "1.5");
    Refusal.of(() -> new Xtc(0.1, Double.NaN), "probability", "NaN");
    SamplingProofs.requireScores(new Xtc(0.1, 0).with(random(5)));
    SamplingProofs.requireScores(new Xtc(0.1, 1).with(random(5)));
  }
}
