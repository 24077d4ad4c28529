package lemma.sampling.filter;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.times;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.SamplingProofs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("repetition")
class RepetitionTest {
  private static final int VOCABULARY = 30;

  /// A model that reinforces itself: each time a token has followed the last one in the text, its
  /// logit rises by `gain`, up to `most` times.
  record Echo(double[][] bigrams, double gain, int most) {
    static Echo seeded(long seed) {
      RandomGenerator random = random(seed);
      double[][] bigrams = new double[VOCABULARY][];
      for (int i = 0; i < VOCABULARY; i++) bigrams[i] = times(gaussian(VOCABULARY, random), 1.5);
      return new Echo(bigrams, 0.7, 4);
    }

    double[] logits(int[] history) {
      int last = history[history.length - 1];
      double[] logits = bigrams[last].clone();
      int[] seen = new int[VOCABULARY];
      for (int i = 0; i < history.length - 1; i++) if (history[i] == last) seen[history[i + 1]]++;
      for (int i = 0; i < VOCABULARY; i++) logits[i] += gain * Math.min(most, seen[i]);
      return logits;
    }

    /// The greedy text of that length behind token 0.
    int[] write(LogitsProcessor remedy, int length) {
      int[] text = {0};
      while (text.length < length) {
        int next = Logits.argMax(remedy.process(text, logits(text)));
        text = Arrays.copyOf(text, text.length + 1);
        text[text.length - 1] = next;
      }
      return text;
    }
  }

  /// The shortest period that the last 120 tokens have three times or more, 0 if there is none.
  private static int period(int[] text) {
    int from = text.length - 120;
    return IntStream.rangeClosed(1, 40)
        .filter(p -> IntStream.range(from + p, text.length).allMatch(i -> text[i] == text[i - p]))
        .findFirst()
        .orElse(0);
  }

  static Stream<LogitsProcessor> remedies() {
    return Stream.of(
        new NoRepeatNGram(2),
        new NoRepeatNGram(3),
        new PresenceFrequencyPenalty(0, 0.4),
        new Dry(0.8, 1.75, 2));
  }

  @Claim("loop")
  @Test
  void a_model_that_reinforces_itself_loops_under_greedy(Proof proof) {
    for (long seed = 0; seed < 20; seed++) {
      Echo model = Echo.seeded(seed);
      int[] text = model.write(LogitsProcessor.chain(), 300);
      int period = period(text);
      assertThat(period).as("period of seed " + seed).isPositive();
      proof.measured("longest period", period);
      // and the loop grows surer: the token it goes on with is likelier at the end than at first
      int last = text[299];
      int first =
          IntStream.range(1, 300)
              .filter(i -> text[i] == last && text[i - 1] == text[298])
              .findFirst()
              .orElseThrow();
      double early = Logits.logProbability(model.logits(Arrays.copyOf(text, first)), last);
      double late = Logits.logProbability(model.logits(Arrays.copyOf(text, 299)), last);
      proof.atLeast("ln P(loop) late − early", late - early, 0.01);
    }
  }

  @Claim("loop")
  @ParameterizedTest
  @MethodSource("remedies")
  void with_a_remedy_it_does_not(LogitsProcessor remedy) {
    for (long seed = 0; seed < 20; seed++)
      assertThat(period(Echo.seeded(seed).write(remedy, 300))).as("seed " + seed).isZero();
  }

  @Claim("counted-once")
  @Test
  void a_penalty_that_counts_a_token_once_or_forgets_it_may_let_the_loop_go_on(Proof proof) {
    int once = 0;
    int forgotten = 0;
    for (long seed = 0; seed < 20; seed++) {
      if (period(Echo.seeded(seed).write(new RepetitionPenalty(1.3), 300)) > 0) once++;
      var window = new PresenceFrequencyPenalty(0, 0.4, 60);
      if (period(Echo.seeded(seed).write(window, 300)) > 0) forgotten++;
    }
    proof.atLeast("loops of 20 with repetition penalty 1.3", once, 1);
    proof.atLeast("loops of 20 with frequency penalty 0.4 over 60 tokens", forgotten, 1);
  }

  @Claim("no-n-gram-twice")
  @Test
  void with_no_repeat_no_n_gram_comes_twice() {
    for (int n = 1; n <= 4; n++)
      for (long seed = 0; seed < 5; seed++) {
        int[] text = Echo.seeded(seed).write(new NoRepeatNGram(n), n == 1 ? VOCABULARY : 400);
        var seen = new HashSet<List<Integer>>();
        for (int i = 0; i + n <= text.length; i++) {
          List<Integer> gram = new ArrayList<>();
          for (int j = 0; j < n; j++) gram.add(text[i + j]);
          assertThat(seen.add(gram)).as("%s at %d", gram, i).isTrue();
        }
      }
  }

  @Claim("no-n-gram-twice")
  @Test
  void when_every_token_would_repeat_one_the_next_link_refuses() {
    int[] all = {0, 1, 2};
    double[] none = new NoRepeatNGram(1).process(all, new double[3]);
    assertThat(Logits.kept(none)).isEmpty();
    Refusal.of(() -> new Temperature(1).process(all, none), "all -Infinity", "3 tokens");
  }

  @Claim("sign")
  @Test
  void the_repetition_penalty_lowers_a_logit_of_either_sign_once_and_depends_on_a_shift() {
    var link = new RepetitionPenalty(2);
    double[] logits = {3, -3, 0, 1};
    assertThat(link.process(new int[] {0, 1, 2}, logits)).containsExactly(1.5, -6, 0, 1);
    assertThat(link.process(new int[] {0, 0, 0}, logits)).containsExactly(1.5, -3, 0, 1);
    assertThat(new RepetitionPenalty(2, 1).process(new int[] {0, 1}, logits))
        .containsExactly(3, -6, 0, 1);
    // the same distribution, another constant: another result, even another order
    double[] shifted = Arrays.stream(logits).map(x -> x + 10).toArray();
    int[] seen = {0};
    assertThat(Logits.argMax(link.process(seen, logits))).isEqualTo(0);
    assertThat(Logits.argMax(link.process(seen, shifted))).isEqualTo(3);
  }

  @Claim("odds")
  @Test
  void presence_and_frequency_divide_the_odds_whatever_the_shift(Proof proof) {
    var link = new PresenceFrequencyPenalty(0.5, 0.25);
    RandomGenerator random = random(1);
    for (int round = 0; round < 100; round++) {
      double[] logits = gaussian(6, random);
      int[] history = {2, 4, 2, 2};
      double[] before = Logits.softmax(logits);
      double[] after = Logits.softmax(link.process(history, logits));
      double thrice = after[2] / after[0] / (before[2] / before[0]);
      double once = after[4] / after[0] / (before[4] / before[0]);
      proof.atMost("|odds · e^1.25 − 1|", Math.abs(thrice * Math.exp(1.25) - 1), 1e-12);
      proof.atMost("|odds · e^0.75 − 1|", Math.abs(once * Math.exp(0.75) - 1), 1e-12);
      double[] shifted = Arrays.stream(logits).map(x -> x + 10).toArray();
      double change = gap(Logits.softmax(link.process(history, shifted)), after);
      proof.atMost("max |ΔP| after a shift", change, 1e-14);
    }
  }

  @Claim("parity")
  @GoldenCases("sampling/repetition-penalty")
  void repetition_penalty_equals_the_reference(GoldenCase golden, Proof proof) {
    var link = new RepetitionPenalty(golden.number("penalty"));
    golden.expect(
        "logits", link.process(golden.ints("input_ids"), golden.doubles("logits")), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/presence-frequency-penalty")
  void presence_and_frequency_equal_the_reference(GoldenCase golden, Proof proof) {
    int window = golden.integer("last_n");
    var links =
        LogitsProcessor.chain(
            new RepetitionPenalty(golden.number("repeat_penalty"), window),
            new PresenceFrequencyPenalty(
                golden.number("presence_penalty"), golden.number("frequency_penalty"), window));
    golden.expect(
        "logits", links.process(golden.ints("input_ids"), golden.doubles("logits")), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/no-repeat-ngram")
  void no_repeat_equals_the_reference(GoldenCase golden) {
    double[] logits = new double[golden.integer("vocab")];
    double[] scores =
        new NoRepeatNGram(golden.integer("n")).process(golden.ints("input_ids"), logits);
    golden.expect(
        "banned",
        IntStream.range(0, logits.length).filter(i -> scores[i] == Logits.REMOVED).toArray());
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new RepetitionPenalty(0), "repetition penalty", "0");
    Refusal.of(() -> new RepetitionPenalty(1.1, -1), "window", "-1");
    Refusal.of(() -> new PresenceFrequencyPenalty(Double.NaN, 0), "presence", "NaN");
    Refusal.of(
        () -> new PresenceFrequencyPenalty(0, Double.NEGATIVE_INFINITY), "frequency", "-Infinity");
    Refusal.of(() -> new PresenceFrequencyPenalty(0, 0, -2), "window", "-2");
    Refusal.of(() -> new NoRepeatNGram(0), "n must be", "0");
    for (LogitsProcessor link :
        List.of(
            new RepetitionPenalty(1.1), new PresenceFrequencyPenalty(1, 1), new NoRepeatNGram(2))) {
      SamplingProofs.requireScores(link);
      Refusal.of(() -> link.process(new int[] {1, 7}, new double[2]), "history", "token 7");
      Refusal.of(() -> link.process(new int[] {-1}, new double[2]), "history", "token -1");
      assertThat(link.process(new int[0], new double[2])).containsExactly(0, 0);
    }
  }
}
