package lemma.sampling.filter;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.SamplingProofs;
import lemma.sampling.draw.Draw;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("mirostat")
class MirostatTest {

  static Stream<Mirostat> settings() {
    return Stream.of(
        new Mirostat.V1(2, 0.1, 100), new Mirostat.V2(2, 0.1), new Mirostat.V2(1.5, 0.05));
  }

  /// Logits of a vocabulary of 500 that fall as a power of the rank, another power at each step.
  private static double[] zipf(double exponent, RandomGenerator random) {
    int[] order = IntStream.range(0, 500).toArray();
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    double[] logits = new double[order.length];
    for (int rank = 0; rank < order.length; rank++)
      logits[order[rank]] = -exponent * Math.log(rank + 1);
    return logits;
  }

  /// Surprise in bits of each token of a text drawn through a run, and μ after it.
  private record Text(double[] surprises, double mu) {
    static Text write(Mirostat settings, int length, RandomGenerator random) {
      var run = settings.open();
      var draw = new Draw.InverseCdf();
      int[] history = {0};
      double[] surprises = new double[length];
      for (int i = 0; i < length; i++) {
        double[] kept = run.process(history, zipf(random.nextDouble(0.6, 1.6), random));
        int token = draw.token(kept, random);
        surprises[i] = -Logits.logProbability(kept, token) / Math.log(2);
        history = Arrays.copyOf(history, history.length + 1);
        history[history.length - 1] = token;
      }
      run.process(history, new double[500]);
      return new Text(surprises, run.mu());
    }

    double mean() {
      return Arrays.stream(surprises).average().orElseThrow();
    }
  }

  @Claim("target")
  @ParameterizedTest
  @MethodSource("settings")
  void the_mean_surprise_of_a_text_is_the_target(Mirostat settings, Proof proof) {
    int length = 2000;
    Text text = Text.write(settings, length, random(1));
    // summing the feedback: mean surprise = τ + (μ₀ − μₙ) / (η n), exactly
    double predicted =
        settings.tau() + (2 * settings.tau() - text.mu()) / (settings.eta() * length);
    proof.atMost("mean − prediction by μ", Math.abs(text.mean() - predicted), 1e-9);
    proof.atMost("|mean − τ| in bits", Math.abs(text.mean() - settings.tau()), 0.1);
  }

  @Claim("feedback")
  @ParameterizedTest
  @MethodSource("settings")
  void a_surprising_token_lowers_mu_and_a_plain_one_raises_it(Mirostat settings) {
    double[] logits = DoubleStream.of(8, 2.4, 2.4, 2, 1.2, 1.2).map(Math::log).toArray();
    double[] offered = settings.open().process(new int[] {0}, logits);
    int lowered = 0;
    int raised = 0;
    for (int token : Logits.kept(offered)) {
      var run = settings.open();
      run.process(new int[] {0}, logits);
      assertThat(run.mu()).isEqualTo(2 * settings.tau());
      run.process(new int[] {0, token}, logits);
      double surprise = -Logits.logProbability(offered, token) / Math.log(2);
      if (surprise > settings.tau()) {
        assertThat(run.mu()).isLessThan(2 * settings.tau());
        lowered++;
      } else {
        assertThat(run.mu()).isGreaterThanOrEqualTo(2 * settings.tau());
        raised++;
      }
    }
    assertThat(lowered).isPositive();
    assertThat(raised).isPositive();
  }

  @Claim("cut")
  @Test
  void version_2_keeps_exactly_the_tokens_no_more_surprising_than_mu() {
    RandomGenerator random = random(2);
    for (int round = 0; round < 200; round++) {
      double[] logits = doubles(SamplingProofs.peaked(1 + random.nextInt(300), 10, random));
      double tau = random.nextDouble(0, 6);
      double[] p = Logits.softmax(logits);
      int[] wanted =
          IntStream.range(0, p.length)
              .filter(i -> -Math.log(p[i]) / Math.log(2) <= 2 * tau)
              .toArray();
      int[] kept = Logits.kept(new Mirostat.V2(tau, 0.1).open().process(new int[0], logits));
      assertThat(kept).isEqualTo(wanted.length > 0 ? wanted : new int[] {Logits.argMax(logits)});
    }
  }

  @Claim("zipf")
  @Test
  void version_1_finds_the_exponent_of_a_power_law_and_keeps_more_for_a_larger_mu(Proof proof) {
    RandomGenerator random = random(3);
    for (double exponent : new double[] {0.5, 1, 1.3, 3}) {
      double[] logits = zipf(exponent, random);
      proof.atMost("|ŝ − s|", Math.abs(Mirostat.V1.exponent(logits, 100) - exponent), 1e-12);
      int last = 1;
      for (double mu = 0; mu < 12; mu += 0.5) {
        int count = new Mirostat.V1(2, 0.1, 100).count(logits, mu);
        assertThat(count).isBetween(last, 500);
        last = count;
      }
    }
  }

  @Claim("state")
  @Test
  void the_state_belongs_to_a_run_which_serves_one_text() {
    var settings = new Mirostat.V2(1, 0.5);
    double[] logits = {2, 1, 1, 0};
    var first = settings.open();
    first.process(new int[] {3}, logits);
    first.process(new int[] {3, 0}, logits);
    assertThat(first.mu()).isNotEqualTo(2);
    assertThat(settings.open().mu()).isEqualTo(2);
    Refusal.of(() -> first.process(new int[] {3, 0}, logits), "2 tokens", "expected 3");
    Refusal.of(() -> first.process(new int[] {3, 0, 0, 0}, logits), "4 tokens", "expected 3");
    Refusal.of(() -> first.process(new int[] {3, 0, 9}, logits), "token 9");
    Refusal.of(() -> first.process(new int[] {3, 0, 3}, logits), "token 3", "removed");
  }

  @Claim("parity")
  @GoldenCases("sampling/mirostat-v1")
  void version_1_equals_the_reference(GoldenCase golden, Proof proof) {
    var settings = new Mirostat.V1(golden.number("tau"), golden.number("eta"), golden.integer("m"));
    Steps steps = Steps.run(settings, golden);
    golden.expect("mu", steps.mu(), proof);
    golden.expect("k", Arrays.stream(steps.kept()).mapToInt(kept -> kept.length).toArray());
  }

  @Claim("parity")
  @GoldenCases("sampling/mirostat-v2")
  void version_2_equals_the_reference(GoldenCase golden, Proof proof) {
    Steps steps = Steps.run(new Mirostat.V2(golden.number("tau"), golden.number("eta")), golden);
    golden.expect("mu", steps.mu(), proof);
    var rows = golden.expected().get("kept");
    assertThat(steps.kept()).hasNumberOfRows(rows.size());
    for (int i = 0; i < rows.size(); i++)
      assertThat(steps.kept()[i])
          .as("kept at step %d", i)
          .isEqualTo(rows.get(i).valueStream().mapToInt(token -> token.asInt()).toArray());
  }

  /// A run with the reference's tokens: μ before each step and after the last, and what was kept.
  private record Steps(double[] mu, int[][] kept) {
    static Steps run(Mirostat settings, GoldenCase golden) {
      var logits = golden.tensor("logits");
      int vocabularySize = logits.size(1);
      double[] all = logits.toArray();
      int[] drawn = golden.ints("drawn_tokens");
      var run = settings.open();
      double[] mu = new double[drawn.length + 1];
      int[][] kept = new int[drawn.length][];
      for (int i = 0; i <= drawn.length; i++) {
        int from = Math.min(i, drawn.length - 1) * vocabularySize; // after the last: any logits
        double[] row = Arrays.copyOfRange(all, from, from + vocabularySize);
        double[] scores = run.process(Arrays.copyOf(drawn, i), row);
        mu[i] = run.mu();
        if (i < drawn.length) kept[i] = Logits.kept(scores);
      }
      return new Steps(mu, kept);
    }
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new Mirostat.V1(-1, 0.1, 100), "tau", "-1");
    Refusal.of(() -> new Mirostat.V1(1, 0.1, 1), "m must be", "1");
    Refusal.of(() -> new Mirostat.V2(Double.NaN, 0.1), "tau", "NaN");
    Refusal.of(() -> new Mirostat.V2(1, Double.POSITIVE_INFINITY), "eta", "Infinity");
    SamplingProofs.requireScores(new Mirostat.V1(1, 0.1, 100).open());
    SamplingProofs.requireScores(new Mirostat.V2(1, 0.1).open());
    // one token, and a flat distribution
    assertThat(new Mirostat.V1(1, 0.1, 100).count(new double[] {3}, 2)).isEqualTo(1);
    assertThat(new Mirostat.V1(1, 0.1, 100).count(new double[9], 2)).isBetween(1, 9);
    assertThat(new Mirostat.V1(1, 0.1, 100).count(new double[9], 5)).isBetween(1, 9);
  }
}
