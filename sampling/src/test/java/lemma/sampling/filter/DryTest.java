package lemma.sampling.filter;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.SamplingProofs;
import org.junit.jupiter.api.Test;

@Proves("dry")
class DryTest {

  /// The definition, word for word: every place against the end, token by token.
  private static int[] byHand(int[] text, Set<Integer> breakers, int vocabularySize) {
    int[] longest = new int[vocabularySize];
    int end = text.length - 1;
    for (int at = 0; at < end; at++) {
      int follower = text[at + 1];
      if (breakers.contains(follower)) continue;
      int length = 0;
      while (at - length >= 0
          && text[at - length] == text[end - length]
          && !breakers.contains(text[end - length])) length++;
      longest[follower] = Math.max(longest[follower], length);
    }
    return longest;
  }

  @Claim("longest-match")
  @Test
  void the_length_is_that_of_the_longest_passage_at_the_end_that_stood_before_the_token() {
    RandomGenerator random = random(1);
    for (int round = 0; round < 2000; round++) {
      int vocabulary = 2 + random.nextInt(4);
      int[] text = random.ints(random.nextInt(40), 0, vocabulary).toArray();
      Set<Integer> breakers = round % 2 == 0 ? Set.of() : Set.of(random.nextInt(vocabulary));
      var dry = new Dry(1, 2, 2, History.WHOLE, breakers);
      assertThat(dry.matches(text, vocabulary)).isEqualTo(byHand(text, breakers, vocabulary));
      int window = random.nextInt(45);
      int[] newest = Arrays.copyOfRange(text, Math.max(0, text.length - window), text.length);
      assertThat(new Dry(1, 2, 2, window, breakers).matches(text, vocabulary))
          .isEqualTo(byHand(newest, breakers, vocabulary));
    }
  }

  @Claim("growth")
  @Test
  void below_the_allowed_length_it_is_free_and_each_token_more_multiplies_the_penalty() {
    int[] phrase = {1, 2, 3, 4, 5, 6, 7};
    for (int length = 1; length < 6; length++) {
      // the phrase once, a 0, and its first `length` tokens again: the next is about to be repeated
      int[] text = Arrays.copyOf(phrase, 8 + length);
      System.arraycopy(phrase, 0, text, 8, length);
      double[] logits = new Dry(0.8, 1.75, 3).process(text, new double[9]);
      double[] wanted = new double[9];
      if (length >= 3) wanted[phrase[length]] = -0.8 * Math.pow(1.75, length - 3);
      assertThat(logits).containsExactly(wanted);
    }
  }

  @Claim("breakers")
  @Test
  void a_match_never_crosses_a_breaker_and_a_breaker_is_never_penalised() {
    int[] text = {1, 2, 9, 3, 4, 5, 1, 2, 9, 3, 4};
    assertThat(new Dry(1, 2, 1).matches(text, 10)[5]).isEqualTo(5);
    var broken = new Dry(1, 2, 1, 100, Set.of(9));
    assertThat(broken.matches(text, 10)[5]).isEqualTo(2); // only 3 4
    int[] beforeBreaker = {1, 2, 9, 1, 2};
    assertThat(broken.process(beforeBreaker, new double[10])).containsOnly(0);
    int[] onBreaker = {9, 1, 9};
    assertThat(broken.process(onBreaker, new double[10])).containsOnly(0);
  }

  @Claim("linear")
  @Test
  void a_million_equal_tokens_are_one_pass() {
    // comparing each place with the end token by token would take 5 · 10¹¹ comparisons here
    int[] text = new int[1_000_000];
    var dry = new Dry(0.8, 1.75, 2);
    assertThat(dry.matches(text, 2)).containsExactly(999_999, 0);
    // the penalty stays a number: out of reach, not removed
    assertThat(dry.process(text, new double[2])[0]).isEqualTo(-Float.MAX_VALUE);
  }

  @Claim("parity")
  @GoldenCases("sampling/dry")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    int window = golden.integer("last_n");
    var dry =
        new Dry(
            golden.number("multiplier"),
            golden.number("base"),
            golden.integer("allowed_length"),
            window <= 0 ? History.WHOLE : window,
            golden
                .params()
                .get("sequence_breakers")
                .valueStream()
                .map(token -> token.asInt())
                .collect(Collectors.toSet()));
    golden.expect("logits", dry.process(golden.ints("input_ids"), golden.doubles("logits")), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new Dry(-1, 2, 2), "multiplier", "-1");
    Refusal.of(() -> new Dry(1, 0.9, 2), "base", "0.9");
    Refusal.of(() -> new Dry(1, Double.NaN, 2), "base", "NaN");
    Refusal.of(() -> new Dry(1, 2, -1), "allowedLength", "-1");
    Refusal.of(() -> new Dry(1, 2, 2, -1, Set.of()), "window", "-1");
    Refusal.of(() -> new Dry(1, 2, 2).process(new int[] {0, 7}, new double[2]), "token 7");
    SamplingProofs.requireScores(new Dry(1, 2, 2));
    for (int[] text : List.of(new int[0], new int[1]))
      assertThat(new Dry(1, 2, 0).process(text, new double[2])).containsOnly(0);
  }
}
