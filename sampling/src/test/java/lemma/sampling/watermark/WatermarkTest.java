package lemma.sampling.watermark;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.Storyteller;
import lemma.sampling.draw.Draw;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.generate.GenerationConfig;
import lemma.sampling.generate.Generator;
import lemma.sampling.generate.TokenSampler;
import org.apache.commons.math3.distribution.BinomialDistribution;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.apache.commons.math3.stat.StatUtils;
import org.junit.jupiter.api.Test;

@Proves("watermark")
class WatermarkTest {
  private static final int SIZE = 200;

  private static int[] draw(
      LogitsProcessor filters, double[] logits, int length, RandomGenerator random) {
    var draw = new Draw.InverseCdf();
    int[] text = {random.nextInt(logits.length)};
    for (int t = 0; t < length; t++) {
      int token = draw.token(filters.process(text, logits), random);
      text = Arrays.copyOf(text, text.length + 1);
      text[text.length - 1] = token;
    }
    return text;
  }

  /// z of 3,000 unmarked texts of 150 tokens, each under a key of its own.
  ///
  /// The count of a threshold is binomial; a correct detector leaves its 1e-4 range at one seed in
  /// ten thousand for each threshold.
  @Claim("null")
  @Test
  void of_texts_without_the_mark_z_is_standard_normal(Proof proof) {
    int texts = 3000;
    RandomGenerator random = random(1);
    double[] z = new double[texts];
    for (int i = 0; i < texts; i++) {
      var list = new GreenList(SIZE, i % 2 == 0 ? 0.25 : 0.5, random.nextLong());
      int[] text = random.ints(151, 0, SIZE).toArray();
      z[i] = new WatermarkDetector(list).detect(text).z();
    }
    double mean = StatUtils.mean(z);
    double variance = StatUtils.variance(z, mean);
    proof.atMost("|mean of z|", Math.abs(mean), 3.9 / Math.sqrt(texts)); // p = 1e-4 under N(0, 1)
    proof.atMost("|variance of z − 1|", Math.abs(variance - 1), 3.9 * Math.sqrt(2.0 / texts));
    for (double threshold : new double[] {1.645, 2.326}) {
      double expected = 1 - new NormalDistribution().cumulativeProbability(threshold);
      int alarms = (int) Arrays.stream(z).filter(score -> score > threshold).count();
      proof.measured("share of z > " + threshold, alarms / (double) texts);
      // the count of green tokens is discrete and a little skewed: a third more is allowed for
      var most = new BinomialDistribution(null, texts, 1.33 * expected);
      var least = new BinomialDistribution(null, texts, expected / 1.33);
      assertThat(most.cumulativeProbability(alarms - 1)).isLessThan(1 - 5e-5);
      assertThat(least.cumulativeProbability(alarms)).isGreaterThan(5e-5);
    }
    proof.atMost("texts of 3,000 with z > 4", Arrays.stream(z).filter(s -> s > 4).count(), 3);
  }

  @Claim("detected")
  @Test
  void marked_texts_are_found_with_the_key_and_not_with_another(Proof proof) {
    RandomGenerator random = random(2);
    double least = Double.POSITIVE_INFINITY;
    double other = 0;
    for (int i = 0; i < 30; i++) {
      var list = new GreenList(SIZE, 0.25, random.nextLong());
      int[] text = draw(new Watermark(list, 2), logits(random), 150, random);
      least = Math.min(least, new WatermarkDetector(list).detect(text).z());
      var wrong = new GreenList(SIZE, 0.25, random.nextLong());
      other = Math.max(other, Math.abs(new WatermarkDetector(wrong).detect(text).z()));
    }
    proof.atLeast("least z of 30 marked texts", least, 4);
    proof.atMost("largest |z| with another key", other, 4.5); // p = 30 · 7e-6 under N(0, 1)
  }

  private static double[] logits(RandomGenerator random) {
    return IntStream.range(0, SIZE).mapToDouble(v -> random.nextGaussian()).toArray();
  }

  @Claim("strength")
  @Test
  void the_share_of_green_is_what_delta_and_gamma_say(Proof proof) {
    RandomGenerator random = random(3);
    double[] flat = new double[SIZE];
    for (double gamma : new double[] {0.1, 0.25, 0.5})
      for (double delta : new double[] {0, 1, 2, 4}) {
        double odds = gamma * Math.exp(delta);
        double expected = odds / (odds + 1 - gamma);
        var list = new GreenList(SIZE, gamma, 5);
        int[] text = draw(new Watermark(list, delta), flat, 2000, random);
        var found = new WatermarkDetector(list).detect(text);
        double sigma = Math.sqrt(expected * (1 - expected) / found.scored());
        proof.atMost(
            "|share − γeᵟ/(γeᵟ + 1 − γ)| in σ",
            Math.abs(found.greenShare() - expected) / sigma,
            4.5); // p = 7e-6 a case; repeated runs, 1 in 40, are scored once
      }
  }

  @Claim("entropy")
  @Test
  void a_sure_model_leaves_no_room_for_a_mark(Proof proof) {
    RandomGenerator random = random(4);
    double[] sure = new double[SIZE];
    sure[7] = 60;
    var list = new GreenList(SIZE, 0.5, 5);
    int[] text = draw(new Watermark(list, 4), sure, 100, random);
    assertThat(Arrays.stream(text).skip(1).allMatch(token -> token == 7)).isTrue();
    // one run, scored once or twice: no evidence either way
    proof.atMost("|z|", Math.abs(new WatermarkDetector(list).detect(text).z()), 1.5);
  }

  @Claim("repeats")
  @Test
  void a_repeated_run_is_scored_once() {
    var detector = new WatermarkDetector(new GreenList(SIZE, 0.5, 6));
    int[] once = {1, 2, 3, 4, 5, 1};
    int[] often = IntStream.range(0, 1000).map(t -> once[t % 5]).toArray();
    assertThat(detector.detect(often)).isEqualTo(detector.detect(once));
  }

  @Claim("seeds")
  @Test
  void the_list_follows_from_key_and_context_alone(Proof proof) {
    var list = new GreenList(SIZE, 0.3, 9, 2);
    boolean[] green = list.after(new int[] {5, 6, 7}, 3);
    assertThat(list.after(new int[] {1, 1, 6, 7, 8}, 4)).isEqualTo(green);
    assertThat(list.after(new int[] {5, 7, 6}, 3)).isNotEqualTo(green); // the order counts
    assertThat(new GreenList(SIZE, 0.3, 10, 2).after(new int[] {5, 6, 7}, 3)).isNotEqualTo(green);
    assertThat(count(green)).isEqualTo(60).isEqualTo(list.size());
    // two lists share γ² of the tokens, as independent ones do: neighbouring keys and tokens too
    double shared = 0;
    for (int token = 0; token < SIZE; token++) {
      boolean[] one = new GreenList(SIZE, 0.3, token).after(new int[] {3}, 1);
      boolean[] next = new GreenList(SIZE, 0.3, token + 1L).after(new int[] {3}, 1);
      boolean[] after = new GreenList(SIZE, 0.3, token).after(new int[] {4}, 1);
      for (int v = 0; v < SIZE; v++) {
        if (one[v] && next[v]) shared += 0.5 / SIZE / SIZE;
        if (one[v] && after[v]) shared += 0.5 / SIZE / SIZE;
      }
    }
    // σ of the mean of 400 overlaps: about 0.3 · 0.7 / √200 / √400 = 7e-4
    proof.atMost("|share in common − γ²|", Math.abs(shared - 0.09), 0.004);
  }

  private static int count(boolean[] green) {
    int count = 0;
    for (boolean is : green) if (is) count++;
    return count;
  }

  @Claim("real-text")
  @Test
  void a_story_of_the_shipped_model_carries_the_mark(Proof proof) {
    try (var model = Storyteller.open()) {
      int[] prompt = Storyteller.tokenizer().encode("One day, Lily found a");
      var list = new GreenList(model.vocabularySize(), 0.25, 42);
      var generator = new Generator(model, GenerationConfig.sampled(150, 1, 0, 1));
      for (double delta : new double[] {0, 2, 5}) {
        var sampler = TokenSampler.of(new Watermark(list, delta), new Draw.InverseCdf());
        var stream = generator.stream(prompt, sampler, random(7));
        IntStream.Builder text = IntStream.builder();
        for (int token : prompt) text.add(token);
        while (stream.hasNext()) text.add(stream.next().token());
        double z = new WatermarkDetector(list).detect(text.build().toArray()).z();
        if (delta == 0) proof.atMost("z, δ = 0", z, 4);
        if (delta == 2) proof.measured("z, δ = 2", z);
        if (delta == 5) proof.atLeast("z, δ = 5", z, 4);
      }
    }
  }

  @Claim("edits")
  @Test
  void replacing_tokens_weakens_the_mark_and_half_of_them_do_not_erase_it(Proof proof) {
    RandomGenerator random = random(8);
    var list = new GreenList(SIZE, 0.25, 11);
    int[] text = draw(new Watermark(list, 3), new double[SIZE], 300, random);
    double before = Double.POSITIVE_INFINITY;
    for (double share : new double[] {0, 0.25, 0.5, 1}) {
      int[] edited = text.clone();
      for (int t = 0; t < edited.length; t++)
        if (random.nextDouble() < share) edited[t] = random.nextInt(SIZE);
      double z = new WatermarkDetector(list).detect(edited).z();
      proof.measured("z with %.0f %% of the tokens replaced".formatted(100 * share), z);
      assertThat(z).isLessThan(before);
      before = z;
      if (share == 0.5) assertThat(z).isGreaterThan(4);
      if (share == 1) assertThat(z).isLessThan(4);
    }
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new GreenList(10, 0, 1), "gamma", "0");
    Refusal.of(() -> new GreenList(10, 1, 1), "gamma", "1");
    Refusal.of(() -> new GreenList(10, 0.05, 1), "gamma", "10 tokens", "none");
    Refusal.of(() -> new GreenList(10, 0.5, 1, 0), "context", "0");
    var list = new GreenList(10, 0.5, 1, 2);
    Refusal.of(() -> list.after(new int[3], 1), "1 tokens", "2");
    Refusal.of(() -> new Watermark(list, -1), "delta", "-1");
    var watermark = new Watermark(list, 1);
    Refusal.of(() -> watermark.process(new int[2], new double[9]), "10 tokens", "9");
    Refusal.of(() -> watermark.process(new int[2], new double[0]), "empty");
    var detector = new WatermarkDetector(list);
    Refusal.of(() -> detector.detect(1, 2), "2 tokens", "too short");
    Refusal.of(() -> detector.detect(1, 2, 10), "token 10", "10 tokens");
    // a text shorter than the context is not marked yet
    assertThat(watermark.process(new int[1], new double[10])).containsExactly(new double[10]);
  }
}
