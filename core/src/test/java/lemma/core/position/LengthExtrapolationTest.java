package lemma.core.position;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.LearnedSink;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.cache.SinkWindow;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("length-extrapolation")
class LengthExtrapolationTest {
  private static final int DIM = 128;
  private static final double BASE = 10_000;
  private static final int TRAINED = 4096;
  private static final double FACTOR = 8;
  private static final int LONG = 8 * TRAINED;
  private static final TrainedAngles ANGLES = new TrainedAngles(DIM, BASE, TRAINED);
  private static final double ROUNDING = 1e-12; // radians, of angles up to 2π

  /// The pairs that reach angles in a text of `length` that training did not show.
  private static int[] leaving(RopeScaling scaling, int length) {
    double[] unseen = ANGLES.unseen(scaling, length);
    return IntStream.range(0, unseen.length).filter(i -> unseen[i] > ROUNDING).toArray();
  }

  /// The pairs that made less than one turn in training.
  private static int[] slow() {
    return IntStream.range(ANGLES.firstSlowPair(), DIM / 2).toArray();
  }

  private static RopeScaling longRope(double slowFactor) {
    double[] factors = new double[DIM / 2];
    Arrays.fill(factors, 1);
    for (int pair : slow()) factors[pair] = slowFactor;
    return new RopeScaling.LongRope(FACTOR, TRAINED, factors, factors, OptionalDouble.empty());
  }

  @Claim("angles")
  @Test
  void without_scaling_exactly_the_pairs_below_one_turn_meet_new_angles(Proof proof) {
    RopeScaling none = new RopeScaling.None();
    assertThat(leaving(none, TRAINED)).isEmpty();
    for (int length : new int[] {TRAINED + 1, 2 * TRAINED, LONG})
      assertThat(leaving(none, length)).isEqualTo(slow());
    proof.measured("pairs of 64 that leave", slow().length);
    double[] frequencies = RopeScaling.unscaled(DIM, BASE);
    for (int pair : slow()) { // from the definition: the arc that positions below 4096 cover
      assertThat(TRAINED * frequencies[pair]).isLessThan(2 * Math.PI);
      double reached = Math.min(2 * Math.PI, LONG * frequencies[pair]);
      assertThat(ANGLES.unseen(none, LONG)[pair]).isEqualTo(reached - TRAINED * frequencies[pair]);
    }
    assertThat(TRAINED * frequencies[slow()[0] - 1]).isGreaterThan(2 * Math.PI);
  }

  @Claim("interpolation")
  @Test
  void interpolation_brings_every_angle_back_and_squeezes_every_pair(Proof proof) {
    RopeScaling linear = new RopeScaling.Linear(FACTOR);
    assertThat(leaving(linear, LONG)).isEmpty();
    assertThat(leaving(linear, LONG + 8)).isEqualTo(slow()); // not one step further
    for (double resolution : ANGLES.resolution(linear))
      proof.atMost("|resolution − 1/8|", Math.abs(resolution - 1 / FACTOR), 1e-16);
  }

  @Claim("ntk")
  @Test
  void a_larger_base_keeps_the_fastest_pair_and_still_lets_slow_ones_leave(Proof proof) {
    RopeScaling ntk = new RopeScaling.Ntk(FACTOR);
    double[] resolution = ANGLES.resolution(ntk);
    assertThat(resolution[0]).isEqualTo(1);
    proof.atMost("|slowest − 1/8|", Math.abs(resolution[DIM / 2 - 1] - 1 / FACTOR), 1e-13);
    for (int i = 1; i < resolution.length; i++)
      assertThat(resolution[i]).isLessThan(resolution[i - 1]);
    int[] all = slow(); // all but the slowest leave, by less than without scaling
    assertThat(leaving(ntk, LONG)).isEqualTo(Arrays.copyOf(all, all.length - 1));
    double worst = Arrays.stream(ANGLES.unseen(ntk, LONG)).max().orElseThrow();
    double before = Arrays.stream(ANGLES.unseen(new RopeScaling.None(), LONG)).max().orElseThrow();
    proof.measured("most unseen radians with NTK", worst);
    proof.measured("most unseen radians without", before);
    assertThat(worst).isLessThan(before);
  }

  @Claim("dynamic")
  @Test
  void dynamic_ntk_changes_nothing_up_to_the_trained_length_and_follows_the_text_after() {
    for (double factor : new double[] {1, 2, 4})
      for (int length : new int[] {1, 100, TRAINED}) {
        RopeScaling dynamic = new RopeScaling.DynamicNtk(factor, TRAINED, length);
        assertThat(ANGLES.resolution(dynamic)).containsOnly(1);
      }
    for (int length : new int[] {TRAINED + 1, 3 * TRAINED, 100 * TRAINED}) {
      RopeScaling dynamic = new RopeScaling.DynamicNtk(1, TRAINED, length);
      assertThat(leaving(dynamic, length)).doesNotContain(DIM / 2 - 1);
    }
  }

  @Claim("dynamic-cache")
  @Test
  void keys_cached_under_dynamic_ntk_are_turned_by_frequencies_that_no_longer_hold(Proof proof) {
    RandomGenerator random = random(1);
    Rope early = dynamic(TRAINED);
    Rope late = dynamic(2 * TRAINED);
    Tensor q = Tensor.gaussian(random, 1, DIM);
    Tensor k = Tensor.gaussian(random, 1, DIM);
    double size = q.square().sum().mul(k.square().sum()).sqrt().item();
    double worst = 0;
    for (int position = 0; position < TRAINED; position += 64) {
      Tensor turned = late.apply(q, 2 * TRAINED - 1);
      double cached = turned.matmulTransposed(early.apply(k, position)).item();
      double anew = turned.matmulTransposed(late.apply(k, position)).item();
      worst = Math.max(worst, Math.abs(cached - anew) / size);
    }
    proof.atLeast("most change of a score / |q||k|", worst, 0.1);
  }

  private static Rope dynamic(int length) {
    return new Rope(
        DIM, DIM, BASE, Rope.Layout.HALVES, new RopeScaling.DynamicNtk(2, TRAINED, length));
  }

  @Claim("by-parts")
  @Test
  void yarn_and_llama_3_bring_every_pair_back_and_leave_fast_pairs_alone(Proof proof) {
    double[] turns = ANGLES.turns();
    var yarn = RopeScaling.Yarn.of(FACTOR, TRAINED);
    var llama3 = new RopeScaling.Llama3(FACTOR, 1, 4, TRAINED);
    for (RopeScaling scaling : List.of(yarn, llama3)) {
      assertThat(leaving(scaling, LONG)).isEmpty();
      double[] resolution = ANGLES.resolution(scaling);
      double keptAbove = scaling == yarn ? 32 : 4;
      for (int i = 0; i < turns.length; i++) {
        if (turns[i] >= keptAbove) assertThat(resolution[i]).isEqualTo(1);
        if (turns[i] <= 1)
          proof.atMost("|resolution of slow pairs − 1/8|", Math.abs(resolution[i] - 0.125), 1e-16);
        assertThat(resolution[i]).isBetween(1 / FACTOR - 1e-16, 1.0);
      }
      proof.measured(
          "pairs of 64 kept by " + scaling.getClass().getSimpleName(),
          Arrays.stream(resolution).filter(r -> r == 1).count());
    }
  }

  @Claim("longrope")
  @Test
  void longrope_with_a_factor_for_each_pair_needs_one_for_slow_pairs_only() {
    assertThat(leaving(longRope(FACTOR), LONG)).isEmpty();
    double[] resolution = ANGLES.resolution(longRope(FACTOR));
    for (int i = 0; i < ANGLES.firstSlowPair(); i++) assertThat(resolution[i]).isEqualTo(1);
    assertThat(leaving(longRope(7.9), LONG)).isEqualTo(slow());
  }

  @Claim("temperature")
  @Test
  void yarns_attention_factor_multiplies_every_score_by_its_square(Proof proof) {
    RandomGenerator random = random(2);
    double factor = RopeScaling.Yarn.defaultAttentionFactor(FACTOR);
    Rope with = rope(new RopeScaling.Yarn(FACTOR, TRAINED, 32, 1, factor));
    Rope without = rope(new RopeScaling.Yarn(FACTOR, TRAINED, 32, 1, 1));
    proof.measured("square of the attention factor at 8 times the length", factor * factor);
    for (int trial = 0; trial < 20; trial++) {
      Tensor q = Tensor.gaussian(random, 1, DIM);
      Tensor k = Tensor.gaussian(random, 1, DIM);
      double sharp = with.apply(q, 900).matmulTransposed(with.apply(k, 30)).item();
      double plain = without.apply(q, 900).matmulTransposed(without.apply(k, 30)).item();
      proof.atMost("|score − factor²·score|", Math.abs(sharp - factor * factor * plain), 1e-12);
    }
  }

  private static Rope rope(RopeScaling scaling) {
    return new Rope(DIM, DIM, BASE, Rope.Layout.HALVES, scaling);
  }

  @Claim("log-n")
  @Test
  void log_n_keeps_the_entropy_of_a_sharp_head_that_otherwise_grows(Proof proof) {
    int trained = 512;
    double deviation = Math.sqrt(Math.log(trained)); // of the scores: 2.5
    double kept = entropy(trained, deviation, 1);
    for (int keys : new int[] {1024, 2048, 4096, 8192}) {
      double scale = new LogNScaling(trained).scale(keys);
      double grown = entropy(keys, deviation, 1) - kept;
      double change = entropy(keys, deviation, scale) - kept;
      proof.atMost("|change with log-n|, nats", Math.abs(change), 0.3);
      proof.atLeast( // about ln(keys/trained)
          "growth without / ln(keys/trained)", grown / Math.log(keys / (double) trained), 0.75);
    }
    proof.measured("entropy at the trained length, nats", kept);
    proof.measured("growth without, at 16 times the length", entropy(8192, deviation, 1) - kept);
  }

  @Claim("log-n-flat")
  @Test
  void log_n_does_not_stop_the_entropy_of_a_flat_head(Proof proof) {
    double scale = new LogNScaling(512).scale(8192);
    double before = entropy(512, 1, 1);
    proof.atLeast( // of ln 16 = 2.77 without
        "growth at score deviation 1, nats", entropy(8192, 1, scale) - before, 1.5);
  }

  /// The mean entropy of softmax over random keys, in nats.
  private static double entropy(int keys, double deviation, double scale) {
    RandomGenerator random = random(3);
    int queries = 200;
    Tensor logits = Tensor.gaussian(random, queries, keys).mul(deviation * scale);
    Tensor log = logits.logSoftmax(LAST);
    return -log.exp().mul(log).sum().item() / queries;
  }

  @Claim("log-n-needle")
  @Test
  void log_n_keeps_half_the_weight_on_a_key_that_had_it(Proof proof) {
    int trained = 512;
    double margin = Math.log(trained); // e^margin against 511 others: weight ½
    for (int keys : new int[] {trained, 4 * trained, 64 * trained}) {
      double scale = new LogNScaling(trained).scale(keys);
      proof.atMost("|weight − ½| with log-n", Math.abs(needle(margin * scale, keys) - 0.5), 1e-3);
    }
    proof.atMost("weight without, at 64 times the length", needle(margin, 64 * trained), 0.02);
  }

  private static double needle(double margin, int keys) {
    Tensor scores = Tensor.concat(0, Tensor.vector(margin), Tensor.zeros(keys - 1));
    return scores.softmax(LAST).get(0);
  }

  @Claim("window")
  @Test
  void a_stack_of_windows_reaches_as_far_back_as_its_layers_add_up_to() {
    RandomGenerator random = random(4);
    int time = 40;
    for (int window : new int[] {2, 4})
      for (int layers : new int[] {1, 3, 5}) {
        int reach = layers * (window - 1);
        Tensor x = Tensor.gaussian(random, time, 6).parameter();
        Tensor y = x;
        Tensor hidden = new AttentionMask.SlidingWindow(window).hidden(time, time, 0);
        for (int layer = 0; layer < layers; layer++)
          y = ScaledDotProduct.of(6).apply(y, y, y, hidden).output();
        Tensor gradient = y.select(0, time - 1).sum().backward().of(x);
        for (int t = 0; t < time; t++) {
          double[] row = gradient.select(0, t).toArray();
          if (t >= time - 1 - reach) assertThat(row).doesNotContain(0.0);
          else assertThat(row).containsOnly(0.0);
        }
      }
  }

  @Claim("eviction")
  @Test
  void a_cache_with_sinks_evicts_the_oldest_token_after_the_sinks() {
    for (int sinks : new int[] {0, 1, 4})
      for (int window : new int[] {1, 3, 8}) {
        var rule = new SinkWindow(sinks, window);
        List<Integer> cache = new ArrayList<>();
        for (int tokens = 1; tokens <= 30; tokens++) {
          cache.add(tokens - 1);
          if (cache.size() > rule.capacity()) cache.remove(sinks);
          assertThat(rule.kept(tokens)).containsExactly(cache.toArray(Integer[]::new));
          for (int token : rule.kept(tokens))
            assertThat(rule.position(token, tokens))
                .isEqualTo(cache.indexOf(token))
                .isLessThan(rule.capacity()); // no distance leaves the trained range
        }
      }
  }

  @Claim("sink")
  @Test
  void evicting_a_token_of_weight_alpha_multiplies_the_rest_by_1_over_1_minus_alpha(Proof proof) {
    RandomGenerator random = random(5);
    int time = 20;
    double[] bonus = new double[time];
    bonus[0] = 6; // a sink: a score above the others, and a value of next to nothing
    Tensor scores = Tensor.gaussian(random, time).add(Tensor.vector(bonus));
    Tensor v = Tensor.gaussian(random, time, 4);
    v = Tensor.concat(0, Tensor.zeros(1, 4), v.slice(0, 1, time));
    double sink = scores.softmax(LAST).get(0);
    proof.atLeast("weight of the sink", sink, 0.9);

    Tensor all = mix(scores, v, lastRow(new SinkWindow(0, time), time));
    Tensor window = mix(scores, v, lastRow(new SinkWindow(0, time - 1), time));
    proof.atMost(
        "|output without the sink − output / (1 − α)|",
        gap(window.toArray(), all.div(1 - sink).toArray()),
        1e-13);
    proof.atLeast("times larger without the sink", 1 / (1 - sink), 10);

    Tensor kept = mix(scores, v, lastRow(new SinkWindow(1, time - 6), time));
    double lost = // the weight of the five tokens between
        scores.softmax(LAST).slice(0, 1, 6).sum().item();
    proof.atMost("weight lost with the sink kept", lost, 0.05);
    double[] outside =
        scores.softmax(LAST).slice(0, 1, 6).unsqueeze(0).matmul(v.slice(0, 1, 6)).toArray();
    proof.atMost( // what is left, renormalised
        "|output with sink and window − (output − lost part) / (1 − lost)|",
        gap(kept.toArray(), all.sub(Tensor.of(outside, 1, 4)).div(1 - lost).toArray()),
        1e-13);
  }

  /// What the last token of a text sees under the rule, `[1, time]`.
  private static Tensor lastRow(SinkWindow rule, int time) {
    return rule.hidden(time).slice(0, time - 1, time);
  }

  private static Tensor mix(Tensor scores, Tensor v, Tensor hidden) {
    return scores.unsqueeze(0).maskedFill(hidden, Double.NEGATIVE_INFINITY).softmax(LAST).matmul(v);
  }

  @Claim("learned-sink")
  @Test
  void a_learned_sink_is_a_key_with_that_score_and_a_value_of_zero(Proof proof) {
    RandomGenerator random = random(6);
    Tensor q = Tensor.gaussian(random, 2, 5, 4);
    Tensor k = Tensor.gaussian(random, 2, 7, 4);
    Tensor v = Tensor.gaussian(random, 2, 7, 4);
    Tensor all = Tensor.zeros(1, 1);
    for (double logit : new double[] {-3, 0, 4}) {
      var sink = new LearnedSink(Tensor.full(logit, 2), 0.5);
      var result = sink.apply(q, k, v, all);
      Tensor bias = Tensor.concat(LAST, Tensor.zeros(1, 7), Tensor.full(logit, 1, 1));
      Tensor extra = Tensor.zeros(2, 1, 4); // its score is the bias alone
      var withKey =
          ScaledDotProduct.of(4)
              .apply(q, Tensor.concat(1, k, extra), Tensor.concat(1, v, extra), all, bias);
      proof.atMost(
          "max |Δ| to the extra key",
          gap(result.output().toArray(), withKey.output().toArray()),
          1e-15);
      proof.atMost("sum of the weights", result.weights().sum(LAST, false).max().item(), 0.9999);
    }
    var off = new LearnedSink(Tensor.full(Double.NEGATIVE_INFINITY, 2), 0.5);
    var plain = ScaledDotProduct.of(4).apply(q, k, v);
    proof.atMost(
        "max |Δ| to plain attention at −∞",
        gap(off.apply(q, k, v, all).output().toArray(), plain.output().toArray()),
        0);
    var silent = new LearnedSink(Tensor.full(40, 2), 0.5);
    proof.atMost( // it says nothing, which plain attention cannot
        "largest output at logit 40",
        silent.apply(q, k, v, all).output().abs().max().item(),
        1e-12);
  }

  @Claim("parity")
  @GoldenCases("core/logn-attention")
  void log_n_equals_the_derivation(GoldenCase golden, Proof proof) {
    var logN = new LogNScaling(golden.integer("train_length"));
    int[] positions = golden.ints("positions");
    golden.expect("scale", Arrays.stream(positions).mapToDouble(logN::scale).toArray(), proof);
    if (!golden.inputs().has("scores")) return;
    Tensor scores = golden.tensor("scores"); // a factor on q is a factor on its row
    Tensor hidden = new AttentionMask.Causal().hidden(scores.size(0), scores.size(1), 0);
    golden.expect(
        "probs",
        logN.apply(scores, 0).maskedFill(hidden, Double.NEGATIVE_INFINITY).softmax(LAST),
        proof);
  }

  @Claim("parity")
  @GoldenCases("core/attention-sinks")
  void sinks_equal_streaming_llm_and_gpt_oss(GoldenCase golden, Proof proof) {
    switch (golden.text("kind")) {
      case "cache" -> {
        var rule = new SinkWindow(golden.integer("start_size"), golden.integer("recent_size"));
        int tokens = 0;
        for (var kept : golden.expected().get("kept"))
          assertThat(rule.kept(++tokens))
              .as(golden.name() + " after " + tokens)
              .isEqualTo(Arrays.stream(GoldenCase.numbers(kept)).mapToInt(t -> (int) t).toArray());
        assertThat(tokens).isEqualTo(golden.integer("tokens"));
      }
      case "learned-sink" -> {
        Tensor q = golden.tensor("q");
        Tensor k = golden.tensor("k");
        Tensor hidden =
            new AttentionMask.Causal().hidden(q.size(1), k.size(1), k.size(1) - q.size(1));
        var sink = new LearnedSink(golden.tensor("sinks"), 1 / Math.sqrt(q.size(2)));
        var result = sink.apply(q, k, golden.tensor("v"), hidden);
        golden.expect("probs", result.weights(), proof);
        golden.expect("out", result.output(), proof);
      }
      default -> throw new IllegalArgumentException(golden.text("kind"));
    }
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new TrainedAngles(7, BASE, 10), "rotaryDim", "7");
    Refusal.of(() -> new TrainedAngles(8, 0, 10), "base", "0");
    Refusal.of(() -> new TrainedAngles(8, BASE, 0), "trainedLength", "0");
    Refusal.of(() -> ANGLES.unseen(new RopeScaling.None(), 0), "length", "0");
    Refusal.of(() -> new LogNScaling(1), "trainedLength", "1");
    Refusal.of(() -> new LogNScaling(8).scale(0), "keys", "0");
    Refusal.of(() -> new LogNScaling(8).apply(Tensor.ones(3), 0), "q", "[3]");
    Refusal.of(() -> new LogNScaling(8).apply(Tensor.ones(3, 2), -1), "offset", "-1");
    Refusal.of(() -> new SinkWindow(-1, 4), "sinks", "-1");
    Refusal.of(() -> new SinkWindow(4, 0), "window", "0");
    Refusal.of(() -> new SinkWindow(Integer.MAX_VALUE, 1), "sinks", "2147483647");
    Refusal.of(() -> new SinkWindow(2, 3).kept(-1), "tokens", "-1");
    Refusal.of(() -> new SinkWindow(2, 3).position(2, 6), "token 2", "6 tokens");
    Refusal.of(() -> new LearnedSink(Tensor.ones(2, 1), 1), "sinks", "[2, 1]");
    Refusal.of(() -> new LearnedSink(Tensor.ones(2), Double.NaN), "scale", "NaN");
    var sink = new LearnedSink(Tensor.ones(4), 1);
    Tensor k = Tensor.ones(3, 5, 2);
    Tensor all = Tensor.zeros(1, 1);
    Refusal.of(() -> sink.apply(k, k, k, all), "q", "4 heads", "[3, 5, 2]");
    Refusal.of(() -> sink.apply(Tensor.ones(4, 5, 2), k, k, all), "4", "[3, 5, 2]");
  }
}
