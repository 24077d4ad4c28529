package lemma.sampling.generate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Comparator.reverseOrder;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lemma.core.format.FloatFormat;
import lemma.core.model.DecoderModel;
import lemma.core.model.LanguageModel;
import lemma.core.model.Llama;
import lemma.core.model.LlamaConfig;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.MarkovModel;
import lemma.sampling.SamplingProofs;
import lemma.sampling.constrain.Constraint;
import lemma.sampling.constrain.TokenTrie;
import lemma.sampling.draw.Draw;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.Dry;
import lemma.sampling.filter.EpsilonCutoff;
import lemma.sampling.filter.EtaCutoff;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.MinP;
import lemma.sampling.filter.Mirostat;
import lemma.sampling.filter.RepetitionPenalty;
import lemma.sampling.filter.SamplingKernel;
import lemma.sampling.filter.SuppressedTokens;
import lemma.sampling.filter.Temperature;
import lemma.sampling.filter.TopK;
import lemma.sampling.filter.TopP;
import lemma.sampling.filter.TypicalP;
import lemma.sampling.filter.Xtc;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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

  /// Every setting at least once, alone and with others.
  static GenerationConfig[] configurations() {
    var plain = GenerationConfig.sampled(40, 1, 0, 1);
    var cut = GenerationConfig.sampled(40, 0.7, 20, 0.9);
    var none = Penalties.NONE;
    return new GenerationConfig[] {
      plain,
      cut,
      GenerationConfig.sampled(40, 1.5, 0, 0.8).withFilters(Filters.of(1.5, 0, 0.8, 0.05)),
      plain.withFilters(Filters.of(1, 0, 1, 0.2)).withPenalties(none.withRepetition(1.3)),
      GenerationConfig.greedy(40),
      GenerationConfig.greedy(40).withPenalties(none.withPresence(0.5).withFrequency(0.3)),
      cut.withPenalties(
          none.withRepetition(1.2).withPresence(0.4).withFrequency(-0.2).withNoRepeatNGram(3)),
      plain.withPenalties(none.withDry(new Dry(0.8, 1.75, 1))),
      plain
          .withEndTokens(Set.of(0))
          .withRules(
              TokenRules.NONE
                  .withBias(Map.of(List.of(3), 2.0, List.of(3, 1), -4.0))
                  .withBadWords(Set.of(List.of(7), List.of(2, 5)))
                  .withMinTokens(10)),
      plain.withFilters(plain.filters().withTypicalP(0.8)),
      cut.withFilters(cut.filters().withEpsilon(0.02).withEta(0.03).withTopA(0.3)),
      plain.withFilters(plain.filters().withXtc(new Xtc(0.05, 0.5))),
      plain.withFilters(plain.filters().withMirostat(new Mirostat.V1(3, 0.1, 100))),
      plain.withFilters(Filters.of(0.8, 0, 1, 0).withMirostat(new Mirostat.V2(3, 0.1))),
      plain.withRules(
          TokenRules.NONE.withLinks(
              List.of(TextLink.of(new SuppressedTokens(Set.of(1, 2), 5, 30))))),
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
    if (config.filters().kernel().temperature() > 0)
      assertThat(generator.generate(prompt, random(8)).tokens()).isNotEqualTo(first.tokens());
  }

  /// Exclusion by chance is a mixture: its distribution has a proof of its own.
  static Stream<GenerationConfig> configurationsWithOneDistribution() {
    return Arrays.stream(configurations())
        .filter(config -> config.filters().xtc().probability() == 0);
  }

  @Claim("distribution")
  @ParameterizedTest
  @MethodSource("configurationsWithOneDistribution")
  void tokens_are_drawn_with_the_probabilities_of_the_chain(GenerationConfig config, Proof proof) {
    var model = model(40, 2);
    int[] prompt = {5, 7};
    double[] logits = doubles(model.open().append(prompt));
    double[] expected =
        Logits.softmax(config.chain(prompt.length, random(0)).process(prompt, logits));
    var one = new Generator(model, config.withMaxTokens(1));
    SamplingProofs.requireDistribution(
        random -> one.generate(prompt, random).tokens()[0], expected, 5_000, 11, proof);
  }

  @Claim("distribution")
  @Test
  void with_exclusion_by_chance_the_distribution_is_the_mixture_of_both(Proof proof) {
    var model = model(20, 2);
    int[] prompt = {5};
    var xtc = new Xtc(0.05, 0.3);
    var plain = GenerationConfig.sampled(1, 1, 0, 1);
    double[] logits = doubles(model.open().append(prompt));
    double[] without = Logits.softmax(logits);
    double[] with = Logits.softmax(xtc.excluded(logits));
    double[] mixture = new double[logits.length];
    Arrays.setAll(mixture, i -> 0.7 * without[i] + 0.3 * with[i]);
    var one = new Generator(model, plain.withFilters(plain.filters().withXtc(xtc)));
    SamplingProofs.requireDistribution(
        random -> one.generate(prompt, random).tokens()[0], mixture, 20_000, 11, proof);
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
    for (int seed = 0; seed < 4; seed++) {
      RandomGenerator random = random(seed);
      var chain = TokenSampler.of(config.chain(prompt.length, random), new Draw.InverseCdf());
      var stream = generator.stream(prompt, chain, random);
      List<Integer> tokens = new ArrayList<>();
      stream.forEachRemaining(step -> tokens.add(step.token()));
      assertThat(generator.generate(prompt, random(seed)).tokens())
          .containsExactly(tokens.stream().mapToInt(Integer::intValue).toArray());
    }
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
  void of_n_generations_each_is_the_one_of_its_own_generator_whatever_n() {
    var model = Llama.initialise(LlamaConfig.small(50, 16, 32, 2, 2, 1, 30), random(13));
    var generator = new Generator(model, GenerationConfig.sampled(15, 1, 0, 0.95));
    int[] prompt = {1, 2, 3};
    List<Generation> five = generator.generate(prompt, 5, 14);
    List<Generation> two = generator.generate(prompt, 2, 14);
    for (int i = 0; i < 2; i++) assertThat(two.get(i).tokens()).isEqualTo(five.get(i).tokens());
    for (int i = 0; i < 5; i++)
      assertThat(generator.generate(prompt, Generator.random(14, i)).tokens())
          .isEqualTo(five.get(i).tokens());
    assertThat(generator.generate(prompt, random(14)).tokens()).isEqualTo(two.get(0).tokens());
    assertThat(five.stream().map(g -> Arrays.toString(g.tokens())).distinct()).hasSize(5);
  }

  @Claim("several")
  @Test
  void the_prompt_is_read_once_for_all_its_samples() {
    var table = model(30, 21);
    var appended = new AtomicInteger();
    LanguageModel counting = new CountingModel(table, appended);
    var generator = new Generator(counting, GenerationConfig.sampled(10, 1, 0, 1));
    generator.generate(new int[100], 8, 1);
    assertThat(appended.get()).isEqualTo(100 + 8 * 9); // the last token of a text is not appended
  }

  /// Counts the tokens that its sessions read.
  private record CountingModel(MarkovModel model, AtomicInteger appended) implements LanguageModel {
    @Override
    public int vocabularySize() {
      return model.vocabularySize();
    }

    @Override
    public int contextLength() {
      return model.contextLength();
    }

    @Override
    public Session open() {
      Session session = model.open();
      return new Session() {
        @Override
        public float[] append(int... tokens) {
          appended.addAndGet(tokens.length);
          return session.append(tokens);
        }

        @Override
        public int position() {
          return session.position();
        }

        @Override
        public void rewind(int position) {
          session.rewind(position);
        }
      };
    }
  }

  @Claim("batch")
  @ParameterizedTest
  @MethodSource("configurations")
  void a_prompt_gets_what_it_gets_alone_whatever_the_batch_and_the_threads(
      GenerationConfig config) {
    var generator = new Generator(model(40, 22), config);
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < 5; i++) prompts.add(random(i).ints(1 + i, 0, 40).toArray());
    for (int threads : new int[] {1, 4}) {
      var batch = generator.generate(prompts, 3, 77, threads);
      for (int p = 0; p < prompts.size(); p++) {
        List<Generation> alone = generator.generate(prompts.get(p), 3, 77);
        for (int i = 0; i < 3; i++)
          assertThat(batch.get(p).get(i).tokens()).isEqualTo(alone.get(i).tokens());
      }
      var reversed = generator.generate(prompts.reversed().subList(0, 3), 3, 77, threads);
      assertThat(reversed.get(2).get(2).tokens()).isEqualTo(batch.get(2).get(2).tokens());
    }
  }

  @Claim("batch")
  @Test
  void the_same_holds_for_a_fast_decoder_that_shares_its_threads(@TempDir Path folder)
      throws IOException {
    Llama.initialise(LlamaConfig.small(60, 32, 48, 2, 4, 2, 64), random(23))
        .save(folder, FloatFormat.F32);
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < 4; i++) prompts.add(random(i).ints(3 + 2 * i, 0, 60).toArray());
    List<String> texts = new ArrayList<>();
    for (int threads = 1; threads <= 3; threads++)
      try (var model = DecoderModel.open(folder, threads)) {
        var generator = new Generator(model, GenerationConfig.sampled(20, 1.5, 0, 0.95));
        StringBuilder text = new StringBuilder();
        for (List<Generation> samples : generator.generate(prompts, 3, 24, threads))
          for (Generation sample : samples) text.append(Arrays.toString(sample.tokens()));
        texts.add(text.toString());
      }
    assertThat(texts).allMatch(texts.get(0)::equals);
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

  @Claim("finish")
  @Test
  void no_end_token_comes_before_the_least_number_of_tokens() {
    double[][] eager = {{0.9, 0.1}, {0.9, 0.1}}; // token 0 ends the text
    var config = GenerationConfig.sampled(50, 1, 0, 1).withEndTokens(Set.of(0));
    for (int least : new int[] {0, 1, 7, 50}) {
      var rules = TokenRules.NONE.withMinTokens(least);
      var generator = new Generator(new MarkovModel(eager, 100), config.withRules(rules));
      for (int seed = 0; seed < 20; seed++) {
        var generation = generator.generate(new int[] {1}, random(seed));
        assertThat(generation.tokens()).hasSizeGreaterThanOrEqualTo(least);
        for (int i = 0; i < least; i++) assertThat(generation.tokens()[i]).isEqualTo(1);
      }
    }
  }

  @Claim("finish")
  @Test
  void a_constrained_text_ends_when_nothing_can_follow() {
    var letters = model(26, 25);
    var vocabulary = TokenTrie.of(26, LETTERS);
    for (Set<Integer> ends : List.of(Set.<Integer>of(), Set.of(25))) {
      var config =
          GenerationConfig.sampled(40, 1.5, 0, 1)
              .withEndTokens(ends)
              .withRules(
                  TokenRules.NONE.withLinks(
                      List.of(TextLink.of(Constraint.regex("(ab|c){2,4}x"), vocabulary, ends))));
      for (int seed = 0; seed < 30; seed++) {
        var generation = new Generator(letters, LETTERS, config).generate(new int[1], random(seed));
        assertThat(generation.text()).matches("(ab|c){2,4}x");
        assertThat(generation.finishReason())
            .isEqualTo(
                ends.isEmpty() ? FinishReason.CONSTRAINT_COMPLETE : FinishReason.END_OF_TEXT);
      }
    }
  }

  @Claim("cancel")
  @Test
  void a_listener_may_end_the_text_after_any_token() {
    var config = GenerationConfig.sampled(30, 1, 0, 1).withStopTexts("abc");
    var generator = new Generator(model(6, 26), LETTERS, config);
    for (int last = 1; last < 20; last++) {
      List<GeneratedToken> heard = new ArrayList<>();
      int most = last;
      var cut =
          generator.generate(
              new int[] {0},
              random(27),
              token -> {
                heard.add(token);
                return heard.size() < most;
              });
      var whole = generator.generate(new int[] {0}, random(27));
      assertThat(cut.tokens()).isEqualTo(Arrays.copyOf(whole.tokens(), heard.size()));
      assertThat(cut.text())
          .isEqualTo(String.join("", heard.stream().map(GeneratedToken::text).toList()));
      assertThat(whole.text()).startsWith(cut.text());
      assertThat(cut.finishReason())
          .isEqualTo(
              heard.size() < whole.tokens().length ? FinishReason.CANCELLED : whole.finishReason());
    }
  }

  @Claim("stream")
  @Test
  void the_stream_is_the_generation_token_by_token() {
    var config = GenerationConfig.sampled(30, 1, 0, 1).withStopTexts("ab", "cde");
    var generator = new Generator(model(8, 15), LETTERS, config.withLogProbabilities(2));
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
    var config = GenerationConfig.sampled(30, 0.5, 5, 0.9).withLogProbabilities(20);
    var generation = new Generator(model, config).generate(new int[] {4}, random(17));
    int last = 4;
    for (int i = 0; i < generation.tokens().length; i++) {
      int token = generation.tokens()[i];
      proof.atMost( // the model's logits are floats near −3
          "|Δ ln P|",
          Math.abs(generation.logProbabilities()[i] - Math.log(model.probabilities()[last][token])),
          1e-6);
      List<TokenScore> all = generation.alternatives().get(i);
      double total = 0;
      for (TokenScore score : all) {
        assertThat(score.logProbability())
            .isCloseTo(Math.log(model.probabilities()[last][score.token()]), offset(1e-6));
        total += Math.exp(score.logProbability());
      }
      proof.atMost("|Σ P − 1| of the whole vocabulary", Math.abs(total - 1), 1e-12);
      assertThat(all).map(TokenScore::logProbability).isSortedAccordingTo(reverseOrder());
      last = token;
    }
  }

  @Claim("log-probabilities")
  @Test
  void alternatives_are_the_likeliest_tokens_equals_by_rising_id() {
    double[][] table = {{0.25, 0.125, 0.25, 0.25, 0.125}};
    var model =
        new MarkovModel(new double[][] {table[0], table[0], table[0], table[0], table[0]}, 9);
    var config = GenerationConfig.greedy(2).withLogProbabilities(4);
    var generation = new Generator(model, config).generate(new int[] {1}, random(0));
    for (List<TokenScore> alternatives : generation.alternatives())
      assertThat(alternatives).map(TokenScore::token).containsExactly(0, 2, 3, 1);
    var own = new Generator(model, config.withLogProbabilities(0));
    assertThat(own.generate(new int[] {1}, random(0)).alternatives()).isEmpty();
  }

  @Claim("inside")
  @Test
  void one_pass_over_the_text_shows_what_the_model_had_inside_at_every_step(Proof proof) {
    var config = LlamaConfig.small(40, 16, 32, 3, 4, 2, 30);
    var model = Llama.initialise(config, random(30));
    var settings = GenerationConfig.sampled(12, 1, 0, 1).withLogProbabilities(0);
    int[] prompt = {4, 8, 15};
    var generation = new Generator(model, settings).generate(prompt, random(31));
    int[][] text = {
      IntStream.concat(Arrays.stream(prompt), Arrays.stream(generation.tokens())).toArray()
    };
    double[] logits = model.forward(text).toArray();
    for (int i = 0; i < generation.tokens().length; i++) {
      int row = (prompt.length - 1 + i) * config.vocabularySize();
      double[] step = Arrays.copyOfRange(logits, row, row + config.vocabularySize());
      proof.atMost( // the generation saw the logits as floats
          "|Δ ln P| of steps and pass",
          Math.abs(
              Logits.logProbability(step, generation.tokens()[i])
                  - generation.logProbabilities()[i]),
          1e-6);
    }
    assertThat(model.hiddenStates(text)).hasSize(config.layers() + 1);
    List<Tensor> maps = model.attentionMaps(text);
    assertThat(maps).hasSize(config.layers());
    int length = text[0].length;
    for (Tensor map : maps) {
      assertThat(map.shape()).containsExactly(1, config.heads(), length, length);
      double[] weights = map.toArray();
      for (int row = 0; row < config.heads() * length; row++) {
        int token = row % length;
        double sum = 0;
        for (int key = 0; key < length; key++) {
          double weight = weights[row * length + key];
          if (key > token) assertThat(weight).isZero();
          sum += weight;
        }
        proof.atMost("|Σ weights − 1|", Math.abs(sum - 1), 1e-14);
      }
    }
    // what a step looked at does not change with the tokens that follow it
    int[][] start = {Arrays.copyOf(text[0], 6)};
    double[] whole = maps.getLast().toArray();
    double[] early = model.attentionMaps(start).getLast().toArray();
    for (int key = 0; key < 6; key++)
      proof.atMost(
          "|Δ weight| of start and text",
          Math.abs(early[5 * 6 + key] - whole[5 * length + key]),
          1e-14);
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
    expectOfConfiguration(golden, NO_HISTORY, proof);
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
    expectOfConfiguration(golden, golden.ints("input_ids"), proof);
  }

  private static final List<String> ORDER =
      List.of(
          "repetition_penalty",
          "temperature",
          "top_k",
          "top_p",
          "min_p",
          "typical",
          "epsilon",
          "eta");

  /// Chains whose links are in the order of a configuration are that configuration, fast form
  /// included.
  private static void expectOfConfiguration(GoldenCase golden, int[] history, Proof proof) {
    List<JsonNode> links = golden.params().get("chain").valueStream().toList();
    List<String> names = links.stream().map(link -> link.get(0).asString()).toList();
    if (!names.equals(ORDER.stream().filter(names::contains).toList())) return;
    var values = new HashMap<String, Double>();
    links.forEach(link -> values.put(link.get(0).asString(), link.get(1).asDouble()));
    var kernel =
        new SamplingKernel(
            values.getOrDefault("temperature", 1.0),
            values.getOrDefault("top_k", 0.0).intValue(),
            values.getOrDefault("top_p", 1.0),
            values.getOrDefault("min_p", 0.0));
    var plain = GenerationConfig.greedy(1);
    var config =
        plain
            .withPenalties(
                Penalties.NONE.withRepetition(values.getOrDefault("repetition_penalty", 1.0)))
            .withFilters(
                plain
                    .filters()
                    .withKernel(kernel)
                    .withTypicalP(values.getOrDefault("typical", 1.0))
                    .withEpsilon(values.getOrDefault("epsilon", 0.0))
                    .withEta(values.getOrDefault("eta", 0.0)));
    double[] logits = golden.doubles("logits");
    double[] scores = config.chain(history.length, random(0)).process(history, logits);
    golden.expect("kept", Logits.kept(scores));
    golden.expect("probs", Logits.softmax(scores), proof);
    float[] floats = new float[logits.length];
    for (int i = 0; i < floats.length; i++) floats[i] = (float) logits[i];
    var sampler = TokenSampler.of(config, history.length, random(0));
    SamplingProofs.requireDistribution(
        random -> sampler.next(history, floats, random), Logits.softmax(scores), 4_000, 28, proof);
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

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> GenerationConfig.greedy(0), "maxTokens", "0");
    Refusal.of(() -> GenerationConfig.sampled(1, -1, 0, 1), "temperature", "-1");
    Refusal.of(() -> GenerationConfig.sampled(1, 1, -1, 1), "k", "-1");
    Refusal.of(() -> GenerationConfig.sampled(1, 1, 0, 1.5), "p", "1.5");
    var config = GenerationConfig.greedy(1);
    Refusal.of(() -> config.filters().withMinP(2), "minP", "2");
    Refusal.of(() -> config.filters().withTypicalP(-1), "p", "-1");
    Refusal.of(() -> config.filters().withEta(1), "epsilon", "1");
    Refusal.of(() -> config.filters().withTopA(7), "a", "7");
    var mirostat = new Mirostat.V2(5, 0.1);
    Refusal.of(() -> Filters.of(1, 4, 1, 0).withMirostat(mirostat), "mirostat", "top-k");
    Refusal.of(
        () -> config.filters().withXtc(new Xtc(0.1, 1)).withMirostat(mirostat), "mirostat", "xtc");
    Refusal.of(() -> Penalties.NONE.withRepetition(0), "repetition penalty", "0");
    Refusal.of(() -> Penalties.NONE.withPresence(Double.NaN), "presence penalty", "NaN");
    Refusal.of(() -> Penalties.NONE.withNoRepeatNGram(-1), "noRepeatNGram", "-1");
    Refusal.of(() -> TokenRules.NONE.withMinTokens(-2), "minTokens", "-2");
    Refusal.of(() -> TokenRules.NONE.withBias(Map.of(List.of(), 1.0)), "empty");
    Refusal.of(() -> TokenRules.NONE.withBadWords(Set.of(List.of())), "bad words", "empty");
    Refusal.of(() -> config.withLogProbabilities(-2), "logProbabilities", "-2");
    Refusal.of(() -> config.withStopTexts("a", ""), "stop sequences", "\"a\"");
    Refusal.of(() -> config.withStopTokens(List.of(List.of())), "stopTokens");
    var model = model(4, 20);
    Refusal.of(() -> new Generator(model, config.withStopTexts("a")), "stopTexts", "tokenizer");
    var generator = new Generator(model, config);
    Refusal.of(() -> generator.generate(NO_HISTORY, random(0)), "prompt");
    Refusal.of(() -> generator.generate(new int[] {4}, random(0)), "token 4", "4 tokens");
    Refusal.of(() -> generator.generate(new int[] {-1}, random(0)), "token -1");
    Refusal.of(() -> generator.generate(new int[501], random(0)), "501", "500");
    Refusal.of(() -> generator.generate(new int[] {0}, 0, 0), "n must be 1", "0");
    Refusal.of(() -> generator.generate(List.of(new int[1]), 1, 0, 0), "threads", "0");
    Refusal.of(() -> generator.generate(List.of(new int[1], new int[] {9}), 1, 0, 2), "token 9");
    Refusal.of( // what a link refuses in a thread of a batch comes out as it is
        () ->
            new Generator(model, config.withRules(TokenRules.NONE.withBias(Map.of(List.of(9), 1.))))
                .generate(List.of(new int[1]), 1, 0, 2),
        "token 9");
    Refusal.of(() -> new RepetitionPenalty(2).process(new int[] {7}, new double[2]), "token 7");
    Refusal.of(() -> new Draw.InverseCdf().token(new double[2], 0.5, 0.5), "1 numbers", "2");
    Refusal.of(() -> new Draw.GumbelMax().token(new double[1], 1.0), "[0, 1)", "1.0");
  }
}
