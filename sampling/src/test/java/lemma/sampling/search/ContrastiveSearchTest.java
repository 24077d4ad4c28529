package lemma.sampling.search;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Numbers;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.Storyteller;
import lemma.sampling.filter.Logits;
import org.junit.jupiter.api.Test;

@Proves("contrastive-search")
class ContrastiveSearchTest {

  /// A model that has one state for each token.
  private static HiddenStates states(double[][] ofToken) {
    return text -> Arrays.stream(text).mapToObj(token -> ofToken[token]).toArray(double[][]::new);
  }

  private static double[][] gaussians(int rows, int columns, RandomGenerator random) {
    return IntStream.range(0, rows)
        .mapToObj(row -> gaussian(columns, random))
        .toArray(double[][]::new);
  }

  @Claim("alpha-0")
  @Test
  void alpha_0_is_greedy_search_and_so_is_k_1() {
    RandomGenerator random = random(1);
    for (int round = 0; round < 100; round++) {
      int size = 2 + random.nextInt(10);
      NextToken model = Tables.model(Tables.random(size, random));
      HiddenStates states = states(gaussians(size, 4, random));
      int[] prompt = {0};
      int[] greedy = new GreedySearch(15, Set.of(1)).search(model, prompt).tokens();
      assertThat(new ContrastiveSearch(0, 4, 15, Set.of(1)).search(model, states, prompt))
          .isEqualTo(greedy);
      assertThat(new ContrastiveSearch(0.7, 1, 15, Set.of(1)).search(model, states, prompt))
          .isEqualTo(greedy);
    }
  }

  @Claim("history")
  @Test
  void the_penalty_is_the_largest_cosine_to_a_state_of_the_text(Proof proof) {
    RandomGenerator random = random(2);
    for (int round = 0; round < 200; round++) {
      double[][] context = gaussians(1 + random.nextInt(20), 8, random);
      double[] state = gaussian(8, random);
      double penalty = ContrastiveSearch.degenerationPenalty(state, context);
      for (double[] earlier : context)
        assertThat(ContrastiveSearch.degenerationPenalty(state, new double[][] {earlier}))
            .isBetween(-1 - 1e-12, penalty);
      // a state of the text itself, at any length, is penalised in full
      double[] again = Numbers.times(context[random.nextInt(context.length)], 3);
      proof.atMost(
          "|penalty of a repeated state − 1|",
          Math.abs(ContrastiveSearch.degenerationPenalty(again, context) - 1),
          1e-14);
    }
  }

  @Claim("one-score")
  @Test
  void it_is_one_score_and_no_second_stage_that_takes_the_least_similar() {
    double[][] context = {{1, 0}};
    double[][] after = {{1, 0.1}, {0.5, 1}, {-1, 0}}; // ever less like the text
    double[] p = {0.5, 0.45, 0.01};
    int chosen =
        Logits.argMax(new ContrastiveSearch(0.3, 3, 1, Set.of()).scores(p, after, context));
    assertThat(chosen).isEqualTo(2);
    // with a little weight on the states neither the most probable nor the least similar wins
    chosen = Logits.argMax(new ContrastiveSearch(0.15, 3, 1, Set.of()).scores(p, after, context));
    assertThat(chosen).isEqualTo(1);
  }

  @Claim("no-loop")
  @Test
  void where_greedy_search_loops_it_goes_on_to_other_tokens(Proof proof) {
    double greedyTokens = 0;
    double tokens = 0;
    int rounds = 100;
    for (int seed = 0; seed < rounds; seed++) {
      RandomGenerator random = random(seed);
      NextToken model = Tables.model(Tables.random(20, random));
      HiddenStates states = states(gaussians(20, 8, random));
      int[] prompt = {0};
      greedyTokens +=
          distinct(new GreedySearch(40, Set.of()).search(model, prompt).tokens()) / rounds;
      tokens +=
          distinct(new ContrastiveSearch(0.6, 5, 40, Set.of()).search(model, states, prompt))
              / rounds;
    }
    proof.measured("distinct tokens of 40, greedy", greedyTokens);
    proof.measured("distinct tokens of 40, contrastive", tokens);
    proof.atLeast("ratio", tokens / greedyTokens, 1.5);
  }

  private static double distinct(int[] text) {
    return new HashSet<>(Arrays.stream(text).boxed().toList()).size();
  }

  @Claim("real-states")
  @Test
  void it_runs_on_the_states_of_a_decoder() {
    var model = Storyteller.formula();
    int[] prompt = Storyteller.tokenizer().encode("The dog");
    HiddenStates states = HiddenStates.of(model);
    double[][] of = states.of(prompt);
    assertThat(of).hasDimensions(prompt.length, model.config().hiddenSize());
    // a later token changes no earlier state
    double[][] before = states.of(Arrays.copyOf(prompt, prompt.length - 1));
    assertThat(gap(before[0], of[0])).isLessThan(1e-12); // sums in another order
    assertThat(
            new ContrastiveSearch(0.6, 3, 3, Set.of())
                .search(NextToken.of(model, 1), states, prompt))
        .hasSize(3);
  }

  @Claim("parity")
  @GoldenCases("sampling/contrastive-search")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    double alpha = golden.number("alpha");
    int k = golden.integer("top_k");
    switch (golden.text("kind")) {
      case "step" -> {
        double[][] context = Tables.of(golden, "context_hidden");
        double[][] after = Tables.of(golden, "candidate_hidden");
        double[] scores =
            new ContrastiveSearch(alpha, k, 1, Set.of())
                .scores(golden.doubles("candidate_probs"), after, context);
        golden.expect("scores", scores, proof);
        golden.expect(
            "degeneration_penalty",
            Arrays.stream(after)
                .mapToDouble(state -> ContrastiveSearch.degenerationPenalty(state, context))
                .toArray(),
            proof);
        assertThat(Logits.argMax(scores)).isEqualTo(golden.expected().get("selected").asInt());
      }
      case "generate" -> generate(golden, alpha, k, proof);
      default -> throw new IllegalArgumentException("no such kind: " + golden.text("kind"));
    }
  }

  private static void generate(GoldenCase golden, double alpha, int k, Proof proof) {
    double[][] table = Tables.of(golden, "transition_probs");
    double[][] hidden = Tables.of(golden, "hidden");
    int[] prompt = golden.ints("prompt");
    var search = new ContrastiveSearch(alpha, k, golden.integer("max_new_tokens"), Set.of(0));
    int[] generated = search.search(Tables.model(table), states(hidden), prompt);
    golden.expect("generated", generated);

    int[] text = prompt;
    double[] scores = new double[generated.length];
    for (int t = 0; t < scores.length; t++) { // of the tokens that were chosen
      double[] p = {table[text[text.length - 1]][generated[t]]};
      double[][] after = {hidden[generated[t]]};
      scores[t] = search.scores(p, after, states(hidden).of(text))[0];
      text = Arrays.copyOf(text, text.length + 1);
      text[text.length - 1] = generated[t];
    }
    golden.expect("scores", scores, proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new ContrastiveSearch(1.5, 1, 1, Set.of()), "alpha", "1.5");
    Refusal.of(() -> new ContrastiveSearch(0.5, 0, 1, Set.of()), "k", "0");
    Refusal.of(() -> new ContrastiveSearch(0.5, 1, 0, Set.of()), "maxTokens", "0");
    var search = new ContrastiveSearch(0.5, 2, 1, Set.of());
    HiddenStates states = states(new double[3][2]);
    NextToken model = Tables.model(Tables.random(3, random(0)));
    Refusal.of(() -> search.search(model, states, new int[0]), "prompt");
    Refusal.of(() -> search.search(text -> new double[0], states, new int[1]), "empty");
    Refusal.of(() -> search.scores(new double[2], new double[1][2], new double[1][2]), "2", "1");
    double[] state = new double[2];
    Refusal.of(() -> ContrastiveSearch.degenerationPenalty(state, new double[0][]), "context");
    Refusal.of(() -> ContrastiveSearch.degenerationPenalty(state, new double[1][3]), "2 and 3");
  }
}
