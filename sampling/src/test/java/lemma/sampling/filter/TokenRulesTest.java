package lemma.sampling.filter;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.SamplingProofs;
import lemma.sampling.draw.Draw;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Proves("token-rules")
class TokenRulesTest {
  private static final double GONE = Logits.REMOVED;

  private static int[] extended(int[] text, int token) {
    int[] longer = Arrays.copyOf(text, text.length + 1);
    longer[text.length] = token;
    return longer;
  }

  @Claim("bad-words")
  @Test
  void no_listed_sequence_is_ever_said() {
    List<List<Integer>> bad = List.of(List.of(4), List.of(1, 2), List.of(2, 0, 3), List.of(0, 0));
    var link = new BadWords(Set.copyOf(bad), Set.of());
    var draw = new Draw.InverseCdf();
    RandomGenerator random = random(1);
    int[] text = {0};
    while (text.length < 3000)
      text = extended(text, draw.token(link.process(text, new double[5]), random));
    List<Integer> said = Arrays.stream(text).boxed().toList();
    for (List<Integer> sequence : bad)
      for (int i = 0; i + sequence.size() <= said.size(); i++)
        assertThat(said.subList(i, i + sequence.size())).isNotEqualTo(sequence);
    for (int token : new int[] {0, 1, 2, 3}) assertThat(said).contains(token);
  }

  @Claim("bad-words")
  @Test
  void an_end_token_stays_even_if_listed_alone() {
    var link = new BadWords(Set.of(List.of(1), List.of(2)), Set.of(1));
    assertThat(link.process(new int[0], new double[3])).containsExactly(0, 0, GONE);
    var longer = new BadWords(Set.of(List.of(1, 0)), Set.of(1)); // only alone
    assertThat(longer.process(new int[] {1}, new double[3])).containsExactly(GONE, 0, 0);
  }

  @Claim("bias")
  @Test
  void a_bias_multiplies_the_odds_and_a_longer_sequence_waits_for_its_beginning(Proof proof) {
    double[] logits = {0.3, -1, 2};
    double[] before = Logits.softmax(logits);
    double[] after =
        Logits.softmax(SequenceBias.ofTokens(Map.of(1, 2.5)).process(new int[0], logits));
    double odds = after[1] / after[0] / (before[1] / before[0]);
    proof.atMost("|odds · e^−2.5 − 1|", Math.abs(odds * Math.exp(-2.5) - 1), 1e-12);
    var link = new SequenceBias(Map.of(List.of(0, 1, 2), 4.0, List.of(1, 2), -1.0));
    assertThat(link.process(new int[] {1}, new double[3])).containsExactly(0, 0, -1);
    assertThat(link.process(new int[] {0, 1}, new double[3])).containsExactly(0, 0, 3);
    assertThat(link.process(new int[] {1, 0}, new double[3])).containsExactly(0, 0, 0);
    // −∞ bans and +100 all but forces, as in the usual interfaces
    assertThat(SequenceBias.ofTokens(Map.of(0, GONE)).process(new int[0], logits)[0])
        .isEqualTo(GONE);
    proof.atLeast(
        "P with a bias of 100",
        Logits.softmax(SequenceBias.ofTokens(Map.of(1, 100.0)).process(new int[0], logits))[1],
        1 - 1e-12);
  }

  @Claim("length")
  @Test
  void a_text_never_ends_before_its_minimum_and_always_at_its_maximum() {
    var chain =
        LogitsProcessor.chain(
            SuppressedTokens.minNewTokens(4, 2, Set.of(0)), ForcedTokens.last(12, Set.of(0)));
    var draw = new Draw.InverseCdf();
    RandomGenerator random = random(2);
    var lengths = new HashSet<Integer>();
    for (int round = 0; round < 500; round++) {
      int[] text = {1, 2};
      do text = extended(text, draw.token(chain.process(text, new double[5]), random));
      while (text[text.length - 1] != 0);
      lengths.add(text.length);
    }
    Integer[] possible = IntStream.rangeClosed(7, 12).boxed().toArray(Integer[]::new);
    assertThat(lengths).containsExactlyInAnyOrder(possible);
  }

  @Claim("length")
  @Test
  void tokens_are_suppressed_or_forced_at_their_place_only() {
    double[] logits = {1, 2, 3};
    int[] one = {0};
    int[] two = {0, 0};
    assertThat(SuppressedTokens.always(Set.of(0, 2)).process(one, logits))
        .containsExactly(GONE, 2, GONE);
    assertThat(SuppressedTokens.at(2, Set.of(1)).process(one, logits)).containsExactly(1, 2, 3);
    assertThat(SuppressedTokens.at(2, Set.of(1)).process(two, logits)).containsExactly(1, GONE, 3);
    assertThat(ForcedTokens.first(2).process(one, logits)).containsExactly(GONE, GONE, 0);
    assertThat(ForcedTokens.first(2).process(two, logits)).containsExactly(1, 2, 3);
  }

  @Claim("decay")
  @Test
  void past_its_start_the_end_grows_likelier_with_each_token_unless_its_logit_is_0() {
    var link = new ExponentialLengthPenalty(3, 1.5, Set.of(0));
    for (double x : new double[] {2, -2}) {
      double last = x;
      for (int length = 0; length < 10; length++) {
        double raised = link.process(new int[length], new double[] {x, 1})[0];
        if (length <= 3) assertThat(raised).isEqualTo(x);
        else assertThat(raised).isGreaterThan(last);
        last = raised;
      }
    }
    assertThat(link.process(new int[50], new double[] {0, 1})).containsExactly(0, 1);
    assertThat(link.process(new int[50], new double[] {GONE, 1})).containsExactly(GONE, 1);
    // a long text overflows no float
    double huge = link.process(new int[5000], new double[] {1, 0})[0];
    assertThat(huge).isEqualTo(Float.MAX_VALUE);
  }

  @Claim("parity")
  @GoldenCases("sampling/bad-words")
  void bad_words_equal_the_reference(GoldenCase golden) {
    Set<List<Integer>> sequences =
        golden
            .params()
            .get("bad_words_ids")
            .valueStream()
            .map(TokenRulesTest::tokens)
            .collect(Collectors.toSet());
    Set<Integer> ends = Set.copyOf(tokens(golden.params().path("eos_token_id")));
    double[] logits = new double[golden.integer("vocab")];
    double[] scores = new BadWords(sequences, ends).process(golden.ints("input_ids"), logits);
    golden.expect(
        "banned", IntStream.range(0, logits.length).filter(i -> scores[i] == GONE).toArray());
  }

  @Claim("parity")
  @GoldenCases("sampling/sequence-bias")
  void sequence_bias_equals_the_reference(GoldenCase golden, Proof proof) {
    Map<List<Integer>, Double> biases = new HashMap<>();
    for (JsonNode entry : golden.params().get("sequence_bias"))
      biases.put(tokens(entry.get(0)), entry.get(1).asDouble());
    golden.expect(
        "logits",
        new SequenceBias(biases).process(golden.ints("input_ids"), golden.doubles("logits")),
        proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/length-and-forced-tokens")
  void rules_of_length_equal_the_reference(GoldenCase golden, Proof proof) {
    JsonNode params = golden.params();
    Set<Integer> end = Set.copyOf(tokens(params.path("eos")));
    Set<Integer> listed = Set.copyOf(tokens(params.path("tokens")));
    LogitsProcessor link =
        switch (golden.text("processor")) {
          case "min-length" -> SuppressedTokens.minLength(golden.integer("min_length"), end);
          case "min-new-tokens" ->
              SuppressedTokens.minNewTokens(
                  golden.integer("min_new_tokens"), golden.integer("prompt_length"), end);
          case "forced-bos" -> ForcedTokens.first(golden.integer("bos"));
          case "forced-eos" -> ForcedTokens.last(golden.integer("max_length"), end);
          case "suppress" -> SuppressedTokens.always(listed);
          case "suppress-at-begin" -> SuppressedTokens.at(golden.integer("begin_index"), listed);
          case "exponential-decay" ->
              new ExponentialLengthPenalty(
                  golden.integer("start") + golden.integer("prompt_length"),
                  golden.number("factor"),
                  end);
          default -> throw new IllegalArgumentException("no rule for " + params);
        };
    golden.expect(
        "logits", link.process(golden.ints("input_ids"), golden.doubles("logits")), proof);
  }

  /// A list of tokens, or one token, or none.
  private static List<Integer> tokens(JsonNode node) {
    if (node.isArray()) return node.valueStream().map(JsonNode::asInt).toList();
    return node.isNumber() ? List.of(node.asInt()) : List.of();
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new BadWords(Set.of(List.of()), Set.of()), "bad words", "empty");
    Refusal.of(() -> new BadWords(Set.of(List.of(-1)), Set.of()), "sequences", "-1");
    Refusal.of(() -> new SequenceBias(Map.of(List.of(), 1.0)), "biases", "empty");
    Refusal.of(() -> SequenceBias.ofTokens(Map.of(3, Double.NaN)), "bias of [3]", "NaN");
    double infinity = Double.POSITIVE_INFINITY;
    Refusal.of(() -> SequenceBias.ofTokens(Map.of(3, infinity)), "bias of [3]", "Infinity");
    Refusal.of(() -> new SuppressedTokens(Set.of(), 3, 2), "from", "3", "2");
    Refusal.of(() -> SuppressedTokens.always(Set.of(-4)), "suppressed", "-4");
    Refusal.of(() -> new ForcedTokens(-1, Set.of(1)), "position", "-1");
    Refusal.of(() -> new ForcedTokens(1, Set.of()), "forced tokens", "empty");
    Refusal.of(() -> new ExponentialLengthPenalty(-1, 2, Set.of()), "start", "-1");
    Refusal.of(() -> new ExponentialLengthPenalty(1, 0, Set.of()), "factor", "0");
    for (LogitsProcessor link :
        List.of(
            new BadWords(Set.of(List.of(7)), Set.of()),
            SequenceBias.ofTokens(Map.of(7, 1.0)),
            SuppressedTokens.always(Set.of(7)),
            ForcedTokens.first(7),
            new ExponentialLengthPenalty(1, 2, Set.of(7)))) {
      SamplingProofs.requireScores(link);
      Refusal.of(() -> link.process(new int[1], new double[2]), "token 7", "vocabulary 2");
    }
    // contradictory settings leave nothing, which the next link says
    var chain =
        LogitsProcessor.chain(
            ForcedTokens.last(1, Set.of(0)), SuppressedTokens.minLength(5, Set.of(0)));
    double[] none = chain.process(new int[0], new double[2]);
    Refusal.of(() -> Logits.softmax(none), "all -Infinity");
  }
}
