package lemma.sampling.search;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
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
import lemma.sampling.HistoryModel;
import lemma.sampling.MarkovModel;
import lemma.sampling.filter.TopK;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

@Proves("beam-search")
class BeamSearchTest {
  private static final int END = 0;
  private static final int[] PROMPT = {1};

  private static BeamSearch search(int beams, int maxTokens, double alpha, EarlyStopping stopping) {
    return new BeamSearch(beams, maxTokens, new LengthPenalty.Power(alpha), stopping, Set.of(END));
  }

  /// Every text that ends, or has `maxTokens` tokens, best first.
  private static List<Hypothesis> enumerate(
      double[][] table, int[] prompt, int maxTokens, LengthPenalty penalty) {
    List<Hypothesis> all = new ArrayList<>();
    enumerate(table, prompt[prompt.length - 1], new int[] {}, 0, maxTokens, penalty, all);
    all.sort(Comparator.comparingDouble(text -> -text.score()));
    return all;
  }

  private static void enumerate(
      double[][] table,
      int last,
      int[] text,
      double sum,
      int maxTokens,
      LengthPenalty penalty,
      List<Hypothesis> all) {
    for (int token = 0; token < table.length; token++) {
      if (table[last][token] == 0) continue;
      int[] longer = Arrays.copyOf(text, text.length + 1);
      longer[text.length] = token;
      double p = sum + Math.log(table[last][token]);
      if (token == END || longer.length == maxTokens)
        all.add(new Hypothesis(longer, p, penalty.score(p, longer.length)));
      else enumerate(table, token, longer, p, maxTokens, penalty, all);
    }
  }

  @Claim("beats-greedy")
  @Test
  void it_finds_a_better_text_than_greedy_search(Proof proof) {
    int better = 0;
    int worse = 0;
    for (int seed = 0; seed < 200; seed++) {
      double[][] table = Tables.random(6, random(seed));
      double greedy =
          new GreedySearch(5, Set.of(END)).search(Tables.model(table), PROMPT).logProbability();
      double beam =
          search(4, 5, 0, EarlyStopping.NEVER)
              .search(Tables.model(table), PROMPT)
              .getFirst()
              .logProbability();
      double best =
          enumerate(table, PROMPT, 5, new LengthPenalty.Power(0)).getFirst().logProbability();
      assertThat(beam).isLessThanOrEqualTo(best + 1e-12); // the sums are added in the same order
      if (beam > greedy + 1e-12) better++;
      if (beam < greedy - 1e-12) worse++;
    }
    proof.atLeast("random models of 200 where it finds a better text", better, 100);
    proof.measured("random models of 200 where it finds a worse text", worse);
  }

  @Claim("beats-greedy")
  @GoldenCases("sampling/beam-vs-greedy-trap")
  void it_finds_the_best_text_where_greedy_search_is_trapped(GoldenCase golden, Proof proof) {
    NextToken model = Tables.model(Tables.of(golden, "transition_probs"));
    int[] prompt = golden.ints("prompt");
    int maxTokens = golden.integer("max_new_tokens");
    var greedy = new GreedySearch(maxTokens, Set.of(END)).search(model, prompt);
    golden.expect("greedy", greedy.tokens());
    golden.expect("greedy_log_prob", greedy.logProbability(), proof);
    double alpha = golden.number("length_penalty");
    var best =
        search(golden.integer("num_beams"), maxTokens, alpha, EarlyStopping.HEURISTIC)
            .search(model, prompt)
            .getFirst();
    golden.expect("beam_best", best.tokens());
    golden.expect("beam_log_prob", best.logProbability(), proof);
    golden.expect(
        "exhaustive_log_prob",
        enumerate(
                Tables.of(golden, "transition_probs"),
                prompt,
                maxTokens,
                new LengthPenalty.Power(alpha))
            .getFirst()
            .logProbability(),
        proof);
  }

  @Claim("exact")
  @ParameterizedTest
  @EnumSource
  void with_as_many_beams_as_texts_it_is_exact(EarlyStopping stopping, Proof proof) {
    double worst = 0;
    for (int seed = 0; seed < 40; seed++) {
      RandomGenerator random = random(seed);
      int size = 2 + random.nextInt(3);
      int maxTokens = 1 + random.nextInt(4);
      double[][] table = Tables.random(size, random);
      int beams = (int) Math.pow(size, maxTokens);
      double alpha = random.nextDouble(-1, 3);
      List<Hypothesis> found =
          search(beams, maxTokens, alpha, stopping).search(Tables.model(table), PROMPT);
      List<Hypothesis> all = enumerate(table, PROMPT, maxTokens, new LengthPenalty.Power(alpha));
      assertThat(found).hasSameSizeAs(all);
      // the same texts; those with the same transitions are equally probable, in either order
      assertThat(texts(found)).isEqualTo(texts(all));
      for (int i = 0; i < all.size(); i++)
        worst = Math.max(worst, Math.abs(found.get(i).score() - all.get(i).score()));
    }
    proof.atMost("max |Δ| of a score", worst, 1e-12);
  }

  private static Set<String> texts(List<Hypothesis> hypotheses) {
    return hypotheses.stream()
        .map(hypothesis -> Arrays.toString(hypothesis.tokens()))
        .collect(Collectors.toSet());
  }

  @Claim("not-monotone")
  @Test
  void more_beams_can_find_a_worse_text(Proof proof) {
    int worse = 0;
    for (int seed = 0; seed < 500; seed++) {
      NextToken model = Tables.model(Tables.random(8, random(seed)));
      double two = best(model, 2);
      if (best(model, 3) < two - 1e-9) worse++;
    }
    proof.atLeast("random models of 500 where 3 beams find less than 2", worse, 1);
  }

  private static double best(NextToken model, int beams) {
    return search(beams, 6, 0, EarlyStopping.NEVER)
        .search(model, PROMPT)
        .getFirst()
        .logProbability();
  }

  @Claim("length")
  @Test
  void alpha_above_1_favours_longer_texts_and_below_1_shorter_ones(Proof proof) {
    double[] mean = new double[3];
    double[] alphas = {0, 1, 2};
    int rounds = 100;
    for (int seed = 0; seed < rounds; seed++) {
      double[][] table = Tables.random(5, random(seed));
      int before = 0;
      for (int i = 0; i < alphas.length; i++) {
        List<Hypothesis> all = enumerate(table, PROMPT, 5, new LengthPenalty.Power(alphas[i]));
        int length = all.getFirst().tokens().length;
        assertThat(length).isGreaterThanOrEqualTo(before); // of the true best text: a theorem
        before = length;
        mean[i] +=
            search(5, 5, alphas[i], EarlyStopping.NEVER)
                    .search(Tables.model(table), PROMPT)
                    .getFirst()
                    .tokens()
                    .length
                / (double) rounds;
      }
    }
    proof.measured("mean length with α = 0", mean[0]);
    proof.measured("mean length with α = 1", mean[1]);
    proof.measured("mean length with α = 2", mean[2]);
    proof.atLeast("mean length, α = 1 less α = 0", mean[1] - mean[0], 0.1);
    proof.atLeast("mean length, α = 2 less α = 1", mean[2] - mean[1], 0.1);
  }

  @Claim("early-stopping")
  @Test
  void what_stops_later_never_finds_a_worse_text(Proof proof) {
    int[] better = new int[2];
    for (int seed = 0; seed < 300; seed++) {
      double[][] table = Tables.random(6, random(seed));
      double[] score =
          IntStream.range(0, 3)
              .mapToDouble(stopping ->
                  search(2, 6, 1.5, EarlyStopping.values()[stopping])
                      .search(Tables.model(table), PROMPT)
                      .getFirst()
                      .score())
              .toArray();
      for (int i = 0; i < 2; i++) {
        assertThat(score[i + 1]).isGreaterThanOrEqualTo(score[i]);
        if (score[i + 1] > score[i]) better[i]++;
      }
    }
    proof.atLeast("models of 300 where HEURISTIC beats AT_ONCE", better[0], 1);
    proof.atLeast("models of 300 where NEVER beats HEURISTIC", better[1], 1);
  }

  @Claim("agreement")
  @Test
  void a_model_read_by_few_sessions_gives_the_texts_of_the_function(Proof proof) {
    double least = 1;
    double most = 0;
    for (int seed = 0; seed < 50; seed++) {
      var search = search(4, 12, 1, EarlyStopping.HEURISTIC);
      var model = new HistoryModel(12, 100, seed);
      int[] asked = {0};
      NextToken fresh = NextToken.of(model);
      List<Hypothesis> expected =
          search.search(
              text -> {
                asked[0] += text.length;
                return fresh.logits(text);
              },
              PROMPT);
      for (int sessions : new int[] {1, 2, 4, 9}) {
        var pool = new SessionPool(model, sessions);
        assertThat(search.search(pool, PROMPT)).isEqualTo(expected);
        double read = pool.appended() / (double) asked[0];
        assertThat(read).isLessThanOrEqualTo(1);
        if (sessions != 4) continue;
        least = Math.min(least, read);
        most = Math.max(most, read);
      }
    }
    proof.measured("least share of the tokens read, 4 beams by 4 sessions", least);
    proof.atMost("largest share of the tokens read, 4 beams by 4 sessions", most, 0.75);
  }

  @Claim("agreement")
  @Test
  void behind_a_filter_that_leaves_one_token_it_is_greedy_search() {
    for (int seed = 0; seed < 50; seed++) {
      NextToken model = NextToken.of(new HistoryModel(9, 100, seed), 3);
      var found = search(3, 8, 1, EarlyStopping.NEVER).search(model.filtered(new TopK(1)), PROMPT);
      assertThat(found).hasSize(1);
      assertThat(found.getFirst().tokens())
          .isEqualTo(new GreedySearch(8, Set.of(END)).search(model, PROMPT).tokens());
    }
  }

  @Claim("parity")
  @GoldenCases("sampling/beam-search")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    double[][] table = Tables.of(golden, "transition_probs");
    double alpha = golden.number("length_penalty");
    int maxTokens = golden.integer("max_new_tokens");
    var search =
        search(
            golden.integer("num_beams"),
            maxTokens,
            alpha,
            stopping(golden.params().get("early_stopping")));
    int[] prompt = golden.ints("prompt");
    List<Hypothesis> found = search.search(Tables.model(table), prompt);
    assertThat(found.stream().map(Hypothesis::tokens).toList())
        .usingElementComparator(Arrays::compare)
        .isEqualTo(texts(golden.expected().get("sequences")));
    golden.expect("scores", found.stream().mapToDouble(Hypothesis::score).toArray(), proof);
    golden.expect(
        "log_probs", found.stream().mapToDouble(Hypothesis::logProbability).toArray(), proof);

    Hypothesis best =
        enumerate(table, prompt, maxTokens, new LengthPenalty.Power(alpha)).getFirst();
    JsonNode expected = golden.expected().get("exhaustive_best");
    assertThat(best.tokens())
        .containsExactly(
            expected.get("sequence").valueStream().mapToInt(JsonNode::asInt).toArray());
    assertThat(Math.abs(best.score() - expected.get("score").asDouble())).isLessThan(1e-9);
  }

  private static EarlyStopping stopping(JsonNode value) {
    if (value.isBoolean())
      return value.asBoolean() ? EarlyStopping.AT_ONCE : EarlyStopping.HEURISTIC;
    assertThat(value.asString()).isEqualTo("never");
    return EarlyStopping.NEVER;
  }

  private static List<int[]> texts(JsonNode sequences) {
    return sequences
        .valueStream()
        .map(text -> text.valueStream().mapToInt(JsonNode::asInt).toArray())
        .toList();
  }

  @Claim("parity")
  @GoldenCases("sampling/length-penalty")
  void length_penalties_equal_the_reference(GoldenCase golden, Proof proof) {
    double alpha = golden.number("alpha");
    double[] logProbabilities = golden.doubles("log_probs");
    int[] lengths = golden.ints("lengths");
    LengthPenalty[] penalties = {new LengthPenalty.Power(alpha), new LengthPenalty.Gnmt(alpha)};
    String[] names = {"hf", "gnmt"};
    for (int i = 0; i < names.length; i++) {
      LengthPenalty penalty = penalties[i];
      double[] scores =
          IntStream.range(0, lengths.length)
              .mapToDouble(text -> penalty.score(logProbabilities[text], lengths[text]))
              .toArray();
      golden.expect(names[i], scores, proof);
      golden.expect(
          names[i] + "_ranking",
          IntStream.range(0, lengths.length)
              .boxed()
              .sorted(Comparator.comparingDouble(text -> -scores[text]))
              .mapToInt(Integer::intValue)
              .toArray());
    }
  }

  @Claim("parity")
  @GoldenCases("sampling/diverse-beam-search")
  void groups_equal_the_reference(GoldenCase golden, Proof proof) {
    int groups = golden.integer("num_beam_groups");
    var group =
        search(
            golden.integer("num_beams") / groups,
            golden.integer("max_new_tokens"),
            golden.number("length_penalty"),
            stopping(golden.params().get("early_stopping")));
    List<List<Hypothesis>> found =
        new DiverseBeamSearch(group, groups, golden.number("diversity_penalty"))
            .search(Tables.model(Tables.of(golden, "transition_probs")), golden.ints("prompt"));
    JsonNode expected = golden.expected().get("by_group");
    assertThat(found).hasSize(expected.size());
    for (int g = 0; g < groups; g++)
      assertThat(found.get(g).stream().map(Hypothesis::tokens).toList())
          .usingElementComparator(Arrays::compare)
          .isEqualTo(texts(expected.get(g)));
    // the reference lists the same texts in an order of its own
    golden.expect("scores", inOrder(golden, found), proof);
  }

  private static double[] inOrder(GoldenCase golden, List<List<Hypothesis>> found) {
    List<Hypothesis> left = new ArrayList<>(found.stream().flatMap(List::stream).toList());
    List<Double> wanted =
        Arrays.stream(GoldenCase.numbers(golden.expected().get("scores"))).boxed().toList();
    List<int[]> texts = texts(golden.expected().get("sequences"));
    double[] scores = new double[texts.size()];
    for (int i = 0; i < scores.length; i++) {
      int[] text = texts.get(i);
      double score = wanted.get(i);
      Hypothesis match =
          left.stream()
              .filter(hypothesis -> Arrays.equals(hypothesis.tokens(), text))
              .min(Comparator.comparingDouble(hypothesis -> Math.abs(hypothesis.score() - score)))
              .orElseThrow();
      left.remove(match);
      scores[i] = match.score();
    }
    return scores;
  }

  @Claim("groups")
  @Test
  void groups_bring_texts_that_differ_more(Proof proof) {
    double plain = 0;
    double diverse = 0;
    for (int seed = 0; seed < 50; seed++) {
      NextToken model = Tables.model(Tables.random(12, random(seed)));
      var group = search(1, 6, 1, EarlyStopping.HEURISTIC);
      List<Hypothesis> beams = search(4, 6, 1, EarlyStopping.HEURISTIC).search(model, PROMPT);
      List<List<Hypothesis>> groups = new DiverseBeamSearch(group, 4, 1).search(model, PROMPT);
      // the first group knows of no other
      assertThat(groups.getFirst()).isEqualTo(group.search(model, PROMPT));
      // without a penalty all groups are the first
      for (var same : new DiverseBeamSearch(group, 4, 0).search(model, PROMPT))
        assertThat(same).isEqualTo(groups.getFirst());
      plain += distinctTokens(beams) / 50;
      diverse += distinctTokens(groups.stream().flatMap(List::stream).toList()) / 50;
    }
    proof.measured("mean distance of two texts, 4 beams", plain);
    proof.measured("mean distance of two texts, 4 groups", diverse);
    proof.atLeast("groups less beams", diverse - plain, 0.1);
  }

  /// Mean share of places where two of the texts differ.
  private static double distinctTokens(List<Hypothesis> texts) {
    double sum = 0;
    int pairs = 0;
    for (int a = 0; a < texts.size(); a++)
      for (int b = 0; b < a; b++, pairs++) {
        int[] one = texts.get(a).tokens();
        int[] other = texts.get(b).tokens();
        int length = Math.max(one.length, other.length);
        int equal = 0;
        for (int i = 0; i < Math.min(one.length, other.length); i++)
          if (one[i] == other[i]) equal++;
        sum += 1 - equal / (double) length;
      }
    return sum / pairs;
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new BeamSearch(0, 1, Set.of()), "beams", "0");
    Refusal.of(() -> new BeamSearch(1, 0, Set.of()), "maxTokens", "0");
    Refusal.of(() -> new LengthPenalty.Power(Double.NaN), "alpha", "NaN");
    Refusal.of(() -> new LengthPenalty.Gnmt(Double.POSITIVE_INFINITY), "alpha", "Infinity");
    Refusal.of(() -> new LengthPenalty.Power(1).score(-1, 0), "length", "0");
    var search = new BeamSearch(2, 3, Set.of());
    Refusal.of(() -> new DiverseBeamSearch(search, 0, 1), "groups", "0");
    Refusal.of(() -> new DiverseBeamSearch(search, 2, -1), "diversityPenalty", "-1");
    Refusal.of(() -> NextToken.of(new MarkovModel(new double[1][1], 9), 0), "sessions", "0");
    Refusal.of(() -> search.search(text -> new double[] {Double.NaN}, PROMPT), "logits[0]", "NaN");
    Refusal.of(() -> search.search(text -> new double[0], PROMPT), "empty");
  }
}
