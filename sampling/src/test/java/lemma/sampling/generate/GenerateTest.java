package lemma.sampling.generate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.MarkovModel;
import lemma.sampling.SamplingProofs;
import lemma.sampling.draw.Draw;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.EpsilonCutoff;
import lemma.sampling.filter.EtaCutoff;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.MinP;
import lemma.sampling.filter.RepetitionPenalty;
import lemma.sampling.filter.SamplingKernel;
import lemma.sampling.filter.Temperature;
import lemma.sampling.filter.TopK;
import lemma.sampling.filter.TopP;
import lemma.sampling.filter.TypicalP;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

@Proves("generate")
class GenerateTest {
  private static final int[] NO_HISTORY = {};
  private static final IntFunction<byte[]> LETTERS = token -> new byte[] {(byte) ('a' + token)};

  private static MarkovModel model(int size, long seed) {
    RandomGenerator random = random(seed);
    double[][] table = new double[size][];
    for (int row = 0; row < size; row++)
      table[row] = Logits.softmax(random.doubles(size, -2, 2).toArray());
    return new MarkovModel(table, 500);
  }

  /// A model that says `text` and then starts again, a letter a token.
  private static MarkovModel cycle(int length) {
    double[][] table = new double[length][length];
    for (int i = 0; i < length; i++) table[i][(i + 1) % length] = 1;
    return new MarkovModel(table, 500);
  }

  static GenerationConfig[] configurations() {
    return new GenerationConfig[] {
      GenerationConfig.sampled(40, 1, 0, 1),
      GenerationConfig.sampled(40, 0.7, 5, 0.9),
      GenerationConfig.sampled(40, 1.5, 0, 0.8).withMinP(0.05),
      GenerationConfig.sampled(40, 1, 0, 1).withMinP(0.2).withRepetitionPenalty(1.3),
      GenerationConfig.greedy(40)
    };
  }

  @Claim("seed")
  @ParameterizedTest
  @MethodSource("configurations")
  void the_same_seed_gives_the_same_tokens(GenerationConfig config) {
    var generator = new Generator(model(60, 1), LETTERS, config);
    int[] prompt = {3, 1, 4};
    var first = generator.generate(prompt, random(7));
    var second = generator.generate(prompt, random(7));
    assertThat(second.tokens()).isEqualTo(first.tokens());
    assertThat(second.text()).isEqualTo(first.text());
    if (config.temperature() > 0)
      assertThat(generator.generate(prompt, random(8)).tokens()).isNotEqualTo(first.tokens());
  }

  @Claim("distribution")
  @ParameterizedTest
  @MethodSource("configurations")
  void tokens_are_drawn_with_the_probabilities_of_the_chain(GenerationConfig config, Proof proof) {
    var model = model(40, 2);
    int[] prompt = {5, 7};
    double[] logits = doubles(model.open().append(prompt));
    double[] expected = Logits.softmax(config.formula().process(prompt, logits));
    var one = new Generator(model, once(config));
    SamplingProofs.requireDistribution(
        random -> one.generate(prompt, random).tokens()[0], expected, 20_000, 11, proof);
  }

  private static GenerationConfig once(GenerationConfig c) {
    return new GenerationConfig(
        1,
        c.temperature(),
        c.topK(),
        c.topP(),
        c.minP(),
        c.repetitionPenalty(),
        c.endTokens(),
        c.ignoreEnd(),
        c.stopTexts(),
        c.stopTokens(),
        c.logProbabilities());
  }

  @Claim("agreement")
  @Test
  void the_fast_step_keeps_the_set_and_draws_the_token_of_the_formula() {
    RandomGenerator random = random(3);
    var kept = new Candidates();
    int[] topKs = {0, 1, 7, 50};
    double[] topPs = {0, 0.3, 0.9, 1};
    double[] minPs = {0, 0.02, 0.5};
    for (int round = 0; round < 600; round++) {
      float[] logits = SamplingProofs.peaked(1 + random.nextInt(2000), 30, random);
      if (round % 3 == 0) logits = SamplingProofs.coarse(logits.length, 0.5, random);
      if (round % 5 == 0) logits = SamplingProofs.thinned(logits, 0.5, random);
      var kernel =
          new SamplingKernel(
              round % 11 == 0 ? 0 : Math.exp(random.nextDouble(-2, 2)),
              topKs[random.nextInt(4)],
              topPs[random.nextInt(4)],
              minPs[random.nextInt(3)]);
      double[] scores = kernel.formula().process(NO_HISTORY, doubles(logits));
      kernel.keep(logits, kept);
      assertThat(kept.tokens()).as(kernel.toString()).isEqualTo(Logits.kept(scores));
      boolean filtered = kernel.topK() > 0 || kernel.topP() < 1 || kernel.minP() > 0;
      if (!filtered && kernel.temperature() > 0) continue; // see the next proof
      long seed = random.nextLong();
      assertThat(kernel.draw(logits, kept, random(seed)))
          .isEqualTo(new Draw.InverseCdf().token(scores, random(seed)));
    }
  }

  @Claim("agreement")
  @Test
  void without_filters_the_fast_draw_has_the_distribution_of_the_formula(Proof proof) {
    for (int size : new int[] {3, 70, 900}) {
      float[] logits =
          SamplingProofs.thinned(SamplingProofs.peaked(size, 5, random(4)), .2, random(5));
      var kernel = new SamplingKernel(2, 0, 1, 0);
      double[] expected = Logits.softmax(kernel.formula().process(NO_HISTORY, doubles(logits)));
      var scratch = new Candidates();
      SamplingProofs.requireDistribution(
          random -> kernel.draw(logits, scratch, random), expected, 40_000, 6, proof);
    }
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("configurations")
  void a_chain_of_formulas_generates_the_same_tokens(GenerationConfig config) {
    var generator = new Generator(model(60, 9), config);
    int[] prompt = {2, 5};
    var chain = TokenSampler.of(config.formula(), new Draw.InverseCdf());
    var stream = generator.stream(prompt, chain, random(10));
    List<Integer> tokens = new ArrayList<>();
    stream.forEachRemaining(step -> tokens.add(step.token()));
    assertThat(generator.generate(prompt, random(10)).tokens())
        .containsExactly(tokens.stream().mapToInt(Integer::intValue).toArray());
  }

  @Claim("draws")
  @Test
  void inverse_cdf_gumbel_max_and_exponential_race_have_one_distribution(Proof proof) {
    double[] logits = {1, 2.5, Double.NEGATIVE_INFINITY, 0.3, -1, 2};
    for (Draw draw :
        List.of(new Draw.InverseCdf(), new Draw.GumbelMax(), new Draw.ExponentialRace()))
      SamplingProofs.requireDistribution(
          random -> draw.token(logits, random), Logits.softmax(logits), 50_000, 12, proof);
  }

  @Claim("draws")
  @Test
  void a_removed_token_is_never_drawn_even_at_the_ends_of_the_uniform() {
    double none = Logits.REMOVED;
    double[] logits = {none, 0, none, 0, none};
    double last = Math.nextDown(1.0);
    assertThat(new Draw.InverseCdf().token(logits, 0)).isEqualTo(1);
    assertThat(new Draw.InverseCdf().token(logits, last)).isEqualTo(3);
    for (double u : new double[] {0, last})
      for (Draw draw : List.of(new Draw.GumbelMax(), new Draw.ExponentialRace()))
        assertThat(draw.token(logits, u, u, u, u, u)).isEqualTo(1);
    assertThat(new Draw.GumbelMax().token(new double[] {none, -800, 0}, last, last, 0)).isIn(1, 2);
  }

  @Claim("several")
  @Test
  void of_n_generations_the_first_do_not_depend_on_n_and_a_batch_is_its_prompts_alone() {
    var generator = new Generator(model(50, 13), GenerationConfig.sampled(15, 1, 0, 0.95));
    int[] prompt = {1, 2, 3};
    List<Generation> five = generator.generate(prompt, 5, random(14));
    List<Generation> two = generator.generate(prompt, 2, random(14));
    for (int i = 0; i < 2; i++) assertThat(two.get(i).tokens()).isEqualTo(five.get(i).tokens());
    assertThat(five.stream().map(g -> Arrays.toString(g.tokens())).distinct()).hasSize(5);
    List<Generation> batch = generator.generate(List.of(prompt, prompt), random(14));
    for (int i = 0; i < 2; i++) assertThat(batch.get(i).tokens()).isEqualTo(five.get(i).tokens());
  }

  @Claim("finish")
  @Test
  void a_generation_ends_for_the_first_reason_that_holds() {
    var cycle = cycle(5); // a b c d e a b …
    int[] prompt = {0};
    var greedy = GenerationConfig.greedy(8);
    assertFinish(cycle, greedy, "bcdeabcd", FinishReason.MAX_TOKENS);
    assertFinish(cycle, greedy.withEndTokens(Set.of(4)), "bcd", FinishReason.END_OF_TEXT);
    assertFinish(
        cycle,
        greedy.withEndTokens(Set.of(4)).withIgnoreEnd(true),
        "bcdeabcd",
        FinishReason.MAX_TOKENS);
    assertFinish(cycle, greedy.withStopTexts("ea", "zz"), "bcd", FinishReason.STOP_SEQUENCE);
    assertFinish(
        cycle, greedy.withStopTokens(List.of(List.of(3, 4))), "bcde", FinishReason.STOP_SEQUENCE);
    var small = new MarkovModel(cycle.probabilities(), 3);
    var full = new Generator(small, LETTERS, greedy).generate(prompt, random(0));
    assertThat(full.finishReason()).isEqualTo(FinishReason.CONTEXT_FULL);
    assertThat(full.tokens()).containsExactly(1, 2, 3); // the last needs no place in the context
    // a stop sequence that began in the prompt does not count
    assertFinish(cycle, greedy.withStopTexts("ab"), "bcde", FinishReason.STOP_SEQUENCE);
  }

  private static void assertFinish(
      MarkovModel model, GenerationConfig config, String text, FinishReason reason) {
    var generation = new Generator(model, LETTERS, config).generate(new int[] {0}, random(0));
    assertThat(generation.text()).isEqualTo(text);
    assertThat(generation.finishReason()).isEqualTo(reason);
  }

  @Claim("stream")
  @Test
  void the_stream_is_the_generation_token_by_token() {
    var config = GenerationConfig.sampled(30, 1, 0, 1).withStopTexts("ab", "cde");
    var generator = new Generator(model(8, 15), LETTERS, config.withLogProbabilities(true));
    for (int seed = 0; seed < 50; seed++) {
      List<GeneratedToken> heard = new ArrayList<>();
      var whole = generator.generate(new int[] {0}, random(seed), heard::add);
      assertThat(heard.stream().mapToInt(GeneratedToken::token).toArray())
          .isEqualTo(whole.tokens());
      String shown = String.join("", heard.stream().map(GeneratedToken::text).toList());
      assertThat(shown).isEqualTo(whole.text()).doesNotContain("ab", "cde");
      assertThat(whole.logProbabilities()).hasSameSizeAs(whole.tokens());
    }
  }

  @Claim("log-probabilities")
  @Test
  void log_probabilities_are_those_of_the_model_before_any_filter(Proof proof) {
    var model = model(20, 16);
    var config = GenerationConfig.sampled(30, 0.5, 5, 0.9).withLogProbabilities(true);
    var generation = new Generator(model, config).generate(new int[] {4}, random(17));
    int last = 4;
    for (int i = 0; i < generation.tokens().length; i++) {
      int token = generation.tokens()[i];
      proof.atMost( // the model's logits are floats near −3
          "|Δ ln P|",
          Math.abs(generation.logProbabilities()[i] - Math.log(model.probabilities()[last][token])),
          1e-6);
      last = token;
    }
  }

  @Claim("utf-8")
  @Test
  void half_a_character_is_never_shown() {
    String text = "naïve 中文 👩‍🚀 end";
    byte[] bytes = text.getBytes(UTF_8);
    RandomGenerator random = random(18);
    for (int round = 0; round < 200; round++) {
      List<byte[]> pieces = new ArrayList<>();
      for (int from = 0; from < bytes.length; ) {
        int to = Math.min(bytes.length, from + 1 + random.nextInt(4));
        pieces.add(Arrays.copyOfRange(bytes, from, to));
        from = to;
      }
      var decoder = TextDecoder.utf8(pieces::get);
      StringBuilder shown = new StringBuilder();
      for (int i = 0; i < pieces.size(); i++) {
        shown.append(decoder.next(i));
        assertThat(text).startsWith(shown.toString());
        assertThat(shown.toString()).doesNotContain("\uFFFD");
      }
      assertThat(shown + decoder.end()).isEqualTo(text);
    }
    var cut = TextDecoder.utf8(token -> new byte[] {(byte) 0xE4, (byte) 0xB8});
    assertThat(cut.next(0) + cut.end()).isEqualTo("\uFFFD");
  }

  @Claim("parity")
  @GoldenCases("sampling/stop-sequences")
  void text_is_held_back_and_cut_as_in_the_reference(GoldenCase golden, Proof proof) {
    List<String> stops = strings(golden.params().get("stop"));
    List<String> pieces = strings(golden.inputs().get("pieces"));
    var stop = new StopText(stops);
    List<String> released = new ArrayList<>();
    int consumed = 0;
    while (consumed < pieces.size() && !stop.stopped())
      released.add(stop.accept(pieces.get(consumed++)));
    if (!stop.stopped()) released.add(stop.end());
    JsonNode expected = golden.expected();
    assertThat(String.join("", released)).isEqualTo(expected.get("text").asString());
    assertThat(stop.stopped()).isEqualTo(expected.get("stopped").asBoolean());
    golden.expect("pieces_consumed", consumed, proof);
    assertThat(released).isEqualTo(strings(expected.get("released_after_each_piece")));
  }

  private static List<String> strings(JsonNode array) {
    return array.valueStream().map(JsonNode::asString).toList();
  }

  @Claim("parity")
  @GoldenCases("sampling/drawing")
  void given_uniforms_give_the_tokens_of_the_reference(GoldenCase golden, Proof proof) {
    double[] logits = golden.doubles("logits");
    golden.expect("probs", Logits.softmax(logits), proof);
    double[] uniforms = golden.doubles("uniforms");
    golden.expect("gumbel_max_tokens", draws(new Draw.GumbelMax(), logits, uniforms));
    golden.expect("exponential_race_tokens", draws(new Draw.ExponentialRace(), logits, uniforms));
    golden.expect(
        "inverse_cdf_tokens", draws(new Draw.InverseCdf(), logits, golden.doubles("cdf_uniforms")));
  }

  private static int[] draws(Draw draw, double[] logits, double[] uniforms) {
    int each = draw.uniforms(logits.length);
    return IntStream.range(0, uniforms.length / each)
        .map(i -> draw.token(logits, Arrays.copyOfRange(uniforms, i * each, (i + 1) * each)))
        .toArray();
  }

  @Claim("parity")
  @GoldenCases("sampling/sampling-distribution")
  void draws_follow_the_probabilities_of_the_reference(GoldenCase golden, Proof proof) {
    LogitsProcessor chain = chain(golden);
    double[] scores = chain.process(NO_HISTORY, golden.doubles("logits"));
    golden.expect("kept", Logits.kept(scores));
    golden.expect("probs", Logits.softmax(scores), proof);
    var draw = new Draw.InverseCdf();
    SamplingProofs.requireDistribution(
        random -> draw.token(scores, random),
        GoldenCase.numbers(golden.expected().get("probs")),
        golden.integer("draws"),
        19,
        proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/processor-order")
  void the_same_links_in_another_order_give_what_the_reference_gives(
      GoldenCase golden, Proof proof) {
    double[] scores = chain(golden).process(golden.ints("input_ids"), golden.doubles("logits"));
    golden.expect("kept", Logits.kept(scores));
    golden.expect("probs", Logits.softmax(scores), proof);
  }

  private static LogitsProcessor chain(GoldenCase golden) {
    return LogitsProcessor.chain(
        golden.params().get("chain").valueStream().map(GenerateTest::link).toList());
  }

  private static LogitsProcessor link(JsonNode link) {
    double value = link.get(1).asDouble();
    return switch (link.get(0).asString()) {
      case "temperature" -> new Temperature(value);
      case "top_k" -> new TopK((int) value, TopK.Ties.KEEP_ALL, 1);
      case "top_p" -> new TopP(value);
      case "min_p" -> new MinP(value);
      case "typical" -> new TypicalP(value);
      case "epsilon" -> new EpsilonCutoff(value, 1);
      case "eta" -> new EtaCutoff(value, 1);
      case "repetition_penalty" -> new RepetitionPenalty(value);
      default -> throw new IllegalArgumentException("no such link: " + link);
    };
  }

  private static void expectFilter(GoldenCase golden, LogitsProcessor link, Proof proof) {
    double[] scores = link.process(NO_HISTORY, golden.doubles("logits"));
    golden.expect("kept", Logits.kept(scores));
    golden.expect("probs", Logits.softmax(scores), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/min-p")
  void min_p_equals_the_reference(GoldenCase golden, Proof proof) {
    int minimum = golden.integer("min_tokens_to_keep");
    expectFilter(golden, new MinP(golden.number("min_p"), minimum), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/typical-p")
  void typical_p_equals_the_reference(GoldenCase golden, Proof proof) {
    int minimum = golden.integer("min_tokens_to_keep");
    expectFilter(golden, new TypicalP(golden.number("mass"), minimum), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/epsilon-cutoff")
  void epsilon_cutoff_equals_the_reference(GoldenCase golden, Proof proof) {
    int minimum = golden.integer("min_tokens_to_keep");
    expectFilter(golden, new EpsilonCutoff(golden.number("epsilon"), minimum), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/eta-cutoff")
  void eta_cutoff_equals_the_reference(GoldenCase golden, Proof proof) {
    int minimum = golden.integer("min_tokens_to_keep");
    expectFilter(golden, new EtaCutoff(golden.number("epsilon"), minimum), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/repetition-penalty")
  void repetition_penalty_equals_the_reference(GoldenCase golden, Proof proof) {
    var link = new RepetitionPenalty(golden.number("penalty"));
    golden.expect(
        "logits", link.process(golden.ints("input_ids"), golden.doubles("logits")), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> GenerationConfig.greedy(0), "maxTokens", "0");
    Refusal.of(() -> GenerationConfig.sampled(1, -1, 0, 1), "temperature", "-1");
    Refusal.of(() -> GenerationConfig.sampled(1, 1, -1, 1), "k", "-1");
    Refusal.of(() -> GenerationConfig.sampled(1, 1, 0, 1.5), "p", "1.5");
    var config = GenerationConfig.greedy(1);
    Refusal.of(() -> config.withMinP(2), "minP", "2");
    Refusal.of(() -> config.withRepetitionPenalty(0), "repetition penalty", "0");
    Refusal.of(() -> config.withStopTexts("a", ""), "stop sequences", "\"a\"");
    Refusal.of(() -> config.withStopTokens(List.of(List.of())), "stopTokens");
    var model = model(4, 20);
    Refusal.of(() -> new Generator(model, config.withStopTexts("a")), "stopTexts", "tokenizer");
    var generator = new Generator(model, config);
    Refusal.of(() -> generator.generate(NO_HISTORY, random(0)), "prompt");
    Refusal.of(() -> generator.generate(new int[] {4}, random(0)), "token 4", "4 tokens");
    Refusal.of(() -> generator.generate(new int[] {-1}, random(0)), "token -1");
    Refusal.of(() -> generator.generate(new int[501], random(0)), "501", "500");
    Refusal.of(() -> generator.generate(new int[] {0}, 0, random(0)), "n must be 1", "0");
    Refusal.of(() -> new RepetitionPenalty(2).process(new int[] {7}, new double[2]), "token 7");
    Refusal.of(() -> new Draw.InverseCdf().token(new double[2], 0.5, 0.5), "1 numbers", "2");
    Refusal.of(() -> new Draw.GumbelMax().token(new double[1], 1.0), "[0, 1)", "1.0");
    Refusal.of(() -> new TypicalP(-1), "p", "-1");
    Refusal.of(() -> new EpsilonCutoff(1, 1), "epsilon", "1");
    Refusal.of(() -> new EtaCutoff(0.1, 0), "minTokensToKeep", "0");
  }
}
