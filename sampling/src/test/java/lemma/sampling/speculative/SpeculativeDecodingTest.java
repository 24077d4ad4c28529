package lemma.sampling.speculative;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.model.LanguageModel;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Numbers;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.HistoryModel;
import lemma.sampling.MarkovModel;
import lemma.sampling.SamplingProofs;
import lemma.sampling.Storyteller;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.Temperature;
import lemma.sampling.filter.TopK;
import lemma.sampling.filter.TopP;
import lemma.sampling.search.GreedySearch;
import lemma.sampling.search.NextToken;
import lemma.sampling.search.Tables;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Proves("speculative-decoding")
class SpeculativeDecodingTest {
  private static final LogitsProcessor PLAIN = LogitsProcessor.chain();
  private static final Temperature GREEDY = new Temperature(0);

  private static double[] distribution(int size, RandomGenerator random) {
    return Logits.softmax(random.doubles(size, -3, 3).toArray());
  }

  @Claim("identity")
  @Test
  void guesses_that_stay_and_replacements_add_up_to_the_target(Proof proof) {
    RandomGenerator random = random(1);
    double worst = 0;
    for (int round = 0; round < 500; round++) {
      int size = 1 + random.nextInt(40);
      double[] p = distribution(size, random);
      double[] q = distribution(size, random);
      if (round % 3 == 0 && size > 1) { // either may exclude a token
        p = without(p, random.nextInt(size));
        q = without(q, random.nextInt(size));
      }
      double[] residual = SpeculativeSampling.residual(p, q);
      double rejected = 1 - SpeculativeSampling.acceptance(p, q);
      double[] said = new double[size];
      for (int x = 0; x < size; x++) said[x] = Math.min(p[x], q[x]) + rejected * residual[x];
      worst = Math.max(worst, gap(said, p));
    }
    proof.atMost("max |Δ| of a probability", worst, 1e-14); // sums of 40 roundings
  }

  private static double[] without(double[] p, int token) {
    double[] rest = p.clone();
    rest[token] = 0;
    double sum = Arrays.stream(rest).sum();
    return Arrays.stream(rest).map(x -> x / sum).toArray();
  }

  /// Every text of three tokens against its exact probability, for drafts of every quality.
  ///
  /// A correct decoder fails a case with probability 1e-4 at another seed.
  @Claim("distribution")
  @ParameterizedTest
  @ValueSource(strings = {"other model", "opposite model", "same model", "prompt look-up"})
  void texts_have_the_distribution_of_the_target(String name, Proof proof) {
    int size = 4;
    var target = new HistoryModel(size, 100, 7);
    int[] prompt = {0, 1, 2, 3, 1, 0, 2, 1};
    LogitsProcessor[] chains = {
      PLAIN,
      LogitsProcessor.chain(new Temperature(0.8), new TopK(3)),
      LogitsProcessor.chain(new Temperature(1.3), new TopP(0.9))
    };
    for (LogitsProcessor filters : chains)
      for (int guesses : new int[] {1, 3}) {
        var decoder = new SpeculativeDecoder(target, filters, guesses, 3, Set.of());
        Draft draft = draft(name, target);
        SamplingProofs.requireDistribution(
            random -> index(decoder.generate(prompt, draft, random).tokens(), size),
            exact(NextToken.of(target), filters, prompt, 3),
            6_000,
            guesses,
            proof);
      }
  }

  private static Draft draft(String name, HistoryModel target) {
    int size = target.vocabularySize();
    return switch (name) {
      case "other model" -> new DraftModel(new HistoryModel(size, 100, 8), PLAIN);
      case "opposite model" ->
          new DraftModel(target, (history, logits) -> Arrays.stream(logits).map(x -> -x).toArray());
      case "same model" -> new DraftModel(target, PLAIN);
      default -> new PromptLookup(3, size);
    };
  }

  private static int index(int[] text, int size) {
    return Arrays.stream(text).reduce(0, (sum, token) -> sum * size + token);
  }

  /// The probabilities of all texts of `length` tokens, in the order of [#index].
  private static double[] exact(
      NextToken model, LogitsProcessor filters, int[] history, int length) {
    if (length == 0) return new double[] {1};
    double[] next = Logits.softmax(filters.process(history, model.logits(history)));
    int[] longer = Arrays.copyOf(history, history.length + 1);
    return IntStream.range(0, next.length)
        .mapToObj(token -> {
          longer[history.length] = token;
          return Numbers.times(exact(model, filters, longer, length - 1), next[token]);
        })
        .flatMapToDouble(Arrays::stream)
        .toArray();
  }

  @Claim("naive-is-wrong")
  @Test
  void drawing_the_replacement_from_the_target_itself_is_wrong(Proof proof) {
    double[] p = {0.6, 0.3, 0.1};
    double[] q = {0.2, 0.3, 0.5};
    double rejected = 1 - SpeculativeSampling.acceptance(p, q);
    double[] said = new double[3];
    for (int x = 0; x < 3; x++) said[x] = Math.min(p[x], q[x]) + rejected * p[x];
    proof.atLeast("|Δ| of a probability", gap(said, p), 0.1);
  }

  @Claim("greedy")
  @Test
  void at_temperature_0_the_text_is_the_greedy_one() {
    RandomGenerator random = random(3);
    for (int round = 0; round < 100; round++) {
      int size = 2 + random.nextInt(20);
      var target = new HistoryModel(size, 60, round);
      var other = new HistoryModel(size, 60, round + 1000);
      int[] prompt = random.ints(1 + random.nextInt(30), 0, size).toArray();
      Set<Integer> end = Set.of(random.nextInt(size));
      int maxTokens = 1 + random.nextInt(30);
      int[] expected =
          new GreedySearch(maxTokens, end).search(NextToken.of(target), prompt).tokens();
      var decoder = new SpeculativeDecoder(target, GREEDY, 1 + random.nextInt(6), maxTokens, end);
      for (Draft draft :
          List.of(
              new PromptLookup(3, size),
              new DraftModel(other, GREEDY),
              new DraftModel(other, PLAIN))) {
        List<Integer> heard = new ArrayList<>();
        var result = decoder.generate(prompt, draft, random, heard::add);
        assertThat(result.tokens()).isEqualTo(expected);
        assertThat(heard).containsExactlyElementsOf(Arrays.stream(expected).boxed().toList());
      }
    }
  }

  @Claim("context")
  @Test
  void the_text_ends_where_the_context_is_full() {
    double[][] table = Tables.random(5, random(4));
    var decoder = new SpeculativeDecoder(new MarkovModel(table, 10), PLAIN, 4, 100, Set.of());
    for (int length = 1; length <= 10; length++) {
      int[] prompt = new int[length];
      for (Draft draft :
          List.of(new PromptLookup(2, 5), new DraftModel(new MarkovModel(table, 10), PLAIN))) {
        // the last token is drawn, but not read
        assertThat(decoder.generate(prompt, draft, random(length)).tokens()).hasSize(11 - length);
      }
    }
  }

  @Claim("speed-up")
  @Test
  void the_tokens_of_a_pass_are_as_many_as_the_formula_says(Proof proof) {
    RandomGenerator random = random(5);
    double[] p = distribution(6, random);
    double[] q = distribution(6, random);
    var target = new MarkovModel(table(p), 100_001);
    var draft = new DraftModel(new MarkovModel(table(q), 100_001), PLAIN);
    double acceptance = SpeculativeSampling.acceptance(p, q);
    for (int guesses : new int[] {1, 3, 6}) {
      int passes = 0;
      int tokens = 0;
      for (int round = 0; round < 200; round++) {
        var decoder = new SpeculativeDecoder(target, PLAIN, guesses, 200, Set.of());
        var result = decoder.generate(new int[] {0}, draft, random);
        passes += result.targetPasses();
        tokens += result.tokens().length;
      }
      double expected = SpeculativeSampling.expectedTokens(acceptance, guesses);
      // the count of a pass is in 1 … γ+1, so its mean over n passes has σ ≤ γ/(2√n); the last pass
      // of each text is cut short, which costs at most γ tokens of 200
      double bound = 5 * guesses / (2 * Math.sqrt(passes)) + guesses * expected / 200;
      proof.atMost(
          "|tokens a pass − formula|", Math.abs(tokens / (double) passes - expected), bound);
    }
  }

  @Claim("speed-up")
  @Test
  void a_draft_that_is_the_target_guesses_everything() {
    for (int seed = 0; seed < 20; seed++) {
      var target = new HistoryModel(6, 100, seed);
      var decoder = new SpeculativeDecoder(target, PLAIN, 4, 50, Set.of());
      var draft = new DraftModel(target, PLAIN);
      for (int round = 0; round < 2; round++) { // the draft goes on to another text
        var result = decoder.generate(new int[] {(seed + round) % 6, 1, 2}, draft, random(seed));
        assertThat(result.accepted()).isEqualTo(result.guessed());
        assertThat(result.targetPasses()).isEqualTo(10);
      }
    }
  }

  private static double[][] table(double[] row) {
    return IntStream.range(0, row.length).mapToObj(i -> row).toArray(double[][]::new);
  }

  @Claim("passes-saved")
  @Test
  void the_shipped_model_needs_fewer_passes_for_the_same_greedy_text(Proof proof) {
    try (var target = Storyteller.open();
        var four = Storyteller.shallow(4);
        var two = Storyteller.shallow(2)) {
      int[] prompt = Storyteller.tokenizer().encode("One day, Lily found a");
      int[] told = greedy(target, prompt, 60);
      int[] twice = concat(concat(prompt, told), prompt); // what look-up is for
      proof.atLeast(
          "tokens a pass, draft of 4 of 5 layers",
          tokensPerPass(target, new DraftModel(four, GREEDY), prompt, told),
          2);
      proof.atLeast(
          "tokens a pass, draft of 2 of 5 layers",
          tokensPerPass(target, new DraftModel(two, GREEDY), prompt, told),
          1.2);
      var lookUp = new PromptLookup(3, target.vocabularySize());
      // a model of stories quotes little: no bound
      proof.measured(
          "tokens a pass, prompt look-up, new story", tokensPerPass(target, lookUp, prompt, told));
      proof.measured(
          "tokens a pass, prompt look-up, second story",
          tokensPerPass(target, lookUp, twice, greedy(target, twice, 60)));
    }
  }

  @Claim("passes-saved")
  @Test
  void look_up_guesses_everything_once_a_text_repeats_itself() {
    double[][] cycle = new double[7][7];
    for (int token = 0; token < 7; token++) cycle[token][(token + 1) % 7] = 1;
    var decoder = new SpeculativeDecoder(new MarkovModel(cycle, 999), PLAIN, 4, 100, Set.of());
    var result = decoder.generate(new int[] {0}, new PromptLookup(3, 7), random(0));
    // seven passes until the first token returns, then five tokens in each
    assertThat(result.targetPasses()).isEqualTo(7 + Math.ceilDiv(100 - 7, 5));
    assertThat(result.accepted()).isEqualTo(result.guessed());
  }

  private static int[] greedy(LanguageModel target, int[] prompt, int tokens) {
    return new GreedySearch(tokens, Set.of()).search(NextToken.of(target, 1), prompt).tokens();
  }

  private static int[] concat(int[] a, int[] b) {
    return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
  }

  private static double tokensPerPass(
      LanguageModel target, Draft draft, int[] prompt, int[] expected) {
    var decoder = new SpeculativeDecoder(target, GREEDY, 4, expected.length, Set.of());
    var result = decoder.generate(prompt, draft, random(0));
    assertThat(result.tokens()).isEqualTo(expected);
    return result.tokensPerPass();
  }

  @Claim("parity")
  @GoldenCases("sampling/speculative-sampling")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    switch (golden.text("kind")) {
      case "verify" -> verify(golden, proof);
      case "identity" -> identity(golden, proof);
      default -> throw new IllegalArgumentException("no such kind: " + golden.text("kind"));
    }
  }

  private static void verify(GoldenCase golden, Proof proof) {
    int[] guesses = golden.ints("draft_tokens");
    double[][] p = rows(golden.tensor("target_logits"));
    double[][] q = rows(golden.tensor("draft_logits"));
    var verdict = SpeculativeSampling.verify(p, q, guesses, golden.doubles("accept_uniforms"));
    assertThat(verdict.accepted()).isEqualTo(golden.expected().get("accepted").asInt());
    golden.expect("next_distribution", verdict.next(), proof);
    int[] tokens = Arrays.copyOf(guesses, verdict.accepted() + 1);
    tokens[verdict.accepted()] =
        SpeculativeSampling.draw(verdict.next(), golden.doubles("draw_uniform")[0]);
    golden.expect("tokens", tokens);
  }

  private static double[][] rows(Tensor logits) {
    return IntStream.range(0, logits.size(0))
        .mapToObj(row -> Logits.softmax(logits.select(0, row).toArray()))
        .toArray(double[][]::new);
  }

  private static void identity(GoldenCase golden, Proof proof) {
    double[] p = golden.doubles("target");
    double[] q = golden.doubles("draft");
    double acceptance = SpeculativeSampling.acceptance(p, q);
    double[] residual = SpeculativeSampling.residual(p, q);
    golden.expect("accept_prob", acceptance, proof);
    golden.expect("total_variation", 1 - acceptance, proof);
    golden.expect("residual", residual, proof);
    golden.expect(
        "accept_prob_per_token",
        IntStream.range(0, p.length).mapToDouble(x -> Math.min(1, p[x] / q[x])).toArray(),
        proof);
    golden.expect(
        "output_distribution",
        IntStream.range(0, p.length)
            .mapToDouble(x -> Math.min(p[x], q[x]) + (1 - acceptance) * residual[x])
            .toArray(),
        proof);
    golden.expect(
        "expected_tokens",
        SpeculativeSampling.expectedTokens(acceptance, golden.integer("gamma")),
        proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    var model = new MarkovModel(Tables.random(3, random(0)), 10);
    Refusal.of(() -> new SpeculativeDecoder(model, PLAIN, 0, 1, Set.of()), "guesses", "0");
    Refusal.of(() -> new SpeculativeDecoder(model, PLAIN, 1, 0, Set.of()), "maxTokens", "0");
    Refusal.of(() -> new PromptLookup(0, 3), "longest", "0");
    Refusal.of(() -> new PromptLookup(1, 0), "vocabularySize", "0");
    var decoder = new SpeculativeDecoder(model, PLAIN, 2, 5, Set.of());
    var draft = new PromptLookup(1, 3);
    Refusal.of(() -> decoder.generate(new int[0], draft, random(0)), "prompt");
    Refusal.of(() -> decoder.generate(new int[12], draft, random(0)), "11");
    // a draft with another vocabulary
    var foreign = new PromptLookup(1, 4);
    Refusal.of(() -> decoder.generate(new int[2], foreign, random(0)), "vocabulary", "3", "4");
    double[][] one = {{1}};
    Refusal.of(
        () -> SpeculativeSampling.verify(one, one, new int[1], 0.5), "1 guesses", "one more");
    Refusal.of(
        () -> SpeculativeSampling.verify(new double[2][2], new double[1][2], new int[1], 0.5),
        "guess 0",
        "token 0");
    Refusal.of(() -> SpeculativeSampling.residual(new double[2], new double[3]), "2 and 3");
    Refusal.of(() -> SpeculativeSampling.expectedTokens(2, 1), "acceptance", "2");
    Refusal.of(() -> SpeculativeSampling.expectedTokens(0.5, -1), "guesses", "-1");
    Refusal.of(() -> new Draft.Guess(new int[2], new double[1][]), "2 tokens", "1");
    assertThat(Numbers.gap(SpeculativeSampling.residual(one[0], one[0]), one[0])).isZero();
  }
}
