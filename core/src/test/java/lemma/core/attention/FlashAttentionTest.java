package lemma.core.attention;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Gradients;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("flash-attention")
class FlashAttentionTest {
  private static final AttentionMask CAUSAL = new AttentionMask.Causal();
  private static final double NO_CAP = Double.POSITIVE_INFINITY;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private static List<AttentionMask> masks() {
    List<AttentionMask> masks = new ArrayList<>(AttentionForms.masks());
    masks.add(new AttentionMask.Padding(true, false, false, true, true, false)); // no interval
    masks.add(new AttentionMask.Causal().and(new AttentionMask.Padding(false, false, true)));
    return masks;
  }

  private static Tensor hidden(Tensor q, Tensor k, AttentionMask mask) {
    int offset = mask instanceof AttentionMask.Bidirectional ? 0 : k.size(0) - q.size(0);
    return mask.hidden(q.size(0), k.size(0), offset);
  }

  @Claim("exact")
  @Test
  void output_equals_the_naive_form_under_every_mask_and_for_every_block(Proof proof) {
    RandomGenerator random = random(1);
    for (AttentionMask mask : masks())
      for (int queries : new int[] {1, 7, 20})
        for (int[] block : new int[][] {{1, 1}, {3, 4}, {4, 3}, {64, 64}, {5, 100}}) {
          Tensor q = Tensor.gaussian(random, queries, 6);
          Tensor k = Tensor.gaussian(random, 20, 6);
          Tensor v = Tensor.gaussian(random, 20, 3);
          var attention = new ScaledDotProduct(0.7, random.nextBoolean() ? 2 : NO_CAP);
          var tiled = new FlashAttention(attention, block[0], block[1]).apply(q, k, v, mask);
          Tensor naive = attention.apply(q, k, v, hidden(q, k, mask)).output();
          proof.atMost(
              "max |Δ| of the output", gap(tiled.output().toArray(), naive.toArray()), 1e-14);
          Tensor scores = q.matmulTransposed(k).mul(attention.scale());
          if (attention.softCap() < NO_CAP) scores = scores.div(2).tanh().mul(2);
          Tensor sums =
              scores
                  .maskedFill(hidden(q, k, mask), Double.NEGATIVE_INFINITY)
                  .logSumExp(LAST, false);
          proof.atMost(
              "max |Δ| of log-sum-exp", gap(tiled.logSumExp().toArray(), sums.toArray()), 1e-14);
        }
  }

  @Claim("blocks")
  @Test
  void size_of_the_blocks_changes_rounding_only_and_large_scores_do_not_overflow(Proof proof) {
    RandomGenerator random = random(2);
    Tensor q = Tensor.gaussian(random, 30, 8).mul(100);
    Tensor k = Tensor.gaussian(random, 30, 8).mul(100); // scores in the ten thousands
    Tensor v = Tensor.gaussian(random, 30, 8);
    double[] first = flash(30, 30).apply(q, k, v, CAUSAL).output().toArray();
    for (int queryBlock = 1; queryBlock <= 31; queryBlock += 5)
      for (int keyBlock = 1; keyBlock <= 31; keyBlock += 3)
        proof.atMost(
            "max |Δ| between block sizes",
            gap(flash(queryBlock, keyBlock).apply(q, k, v, CAUSAL).output().toArray(), first),
            1e-9); // a score of 3e4 is known to 4e-12, and its exponential likewise
  }

  private static FlashAttention flash(int queryBlock, int keyBlock) {
    return new FlashAttention(ScaledDotProduct.of(8), queryBlock, keyBlock);
  }

  @Claim("memory")
  @Test
  void memory_grows_with_the_length_where_the_naive_form_grows_with_its_square(Proof proof) {
    long before = 0;
    for (int time : new int[] {256, 512, 1024}) {
      RandomGenerator random = random(3);
      Tensor q = Tensor.gaussian(random, time, 8);
      Tensor k = Tensor.gaussian(random, time, 8);
      Tensor v = Tensor.gaussian(random, time, 8);
      var all = new AttentionMask.Bidirectional();
      long tiled = allocated(() -> flash(32, 32).apply(q, k, v, all));
      long naive = allocated(() -> ScaledDotProduct.of(8).apply(q, k, v));
      proof.measured("bytes at up to 1024 tokens, tiled", tiled);
      proof.measured("bytes at up to 1024 tokens, naive", naive);
      proof.atMost( // 8 outputs and 2 sums of 8 bytes for each query, and one tile of 32·32
          "bytes beyond the output, two numbers a query and a tile",
          tiled - 8L * (10 * time + 32 * 32),
          1000);
      if (before > 0) proof.atMost("growth at twice the length, tiled", (double) tiled / before, 2);
      proof.atLeast( // the scores and the weights, at the very least
          "numbers / tokens², naive", naive / (8.0 * time * time), 2);
      before = tiled;
    }
  }

  /// Bytes that this thread allocates in a call, the least of several: loading a class counts once.
  private static long allocated(Runnable call) {
    long least = Long.MAX_VALUE;
    for (int run = 0; run < 3; run++) {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      call.run();
      least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
    }
    return least;
  }

  @Claim("skips")
  @Test
  void tiles_that_the_mask_hides_whole_are_not_computed(Proof proof) {
    Tensor x = Tensor.gaussian(random(4), 256, 8);
    int all = flash(16, 16).apply(x, x, x, new AttentionMask.Bidirectional()).tiles();
    int causal = flash(16, 16).apply(x, x, x, CAUSAL).tiles();
    int window = flash(16, 16).apply(x, x, x, new AttentionMask.SlidingWindow(33)).tiles();
    assertThat(all).isEqualTo(16 * 16);
    assertThat(causal).isEqualTo(16 * 17 / 2);
    assertThat(window).isEqualTo(1 + 2 + 14 * 3); // a window of two blocks touches three
    proof.measured("tiles of 256: causal", causal);
    proof.measured("tiles of 256: window of 33", window);
  }

  @Claim("backward")
  @Test
  void gradient_from_recomputed_scores_equals_that_of_the_tape(Proof proof) {
    RandomGenerator random = random(5);
    for (AttentionMask mask : masks())
      for (int queries : new int[] {6, 13}) {
        Tensor q = Tensor.gaussian(random, queries, 5).parameter();
        Tensor k = Tensor.gaussian(random, 13, 5).parameter();
        Tensor v = Tensor.gaussian(random, 13, 4).parameter();
        Tensor upstream = Tensor.gaussian(random, queries, 4);
        var attention = new ScaledDotProduct(0.5, random.nextBoolean() ? 3 : NO_CAP);
        Gradients tape = attention.apply(q, k, v, hidden(q, k, mask)).output().backward(upstream);
        var flash = new FlashAttention(attention, 4, 3);
        var forward = flash.apply(q, k, v, mask);
        var tiled = FlashAttentionGradient.of(flash, q, k, v, mask, forward, upstream);
        proof.atMost("max |Δ| of dq", gap(tiled.q().toArray(), tape.of(q).toArray()), 1e-13);
        proof.atMost("max |Δ| of dk", gap(tiled.k().toArray(), tape.of(k).toArray()), 1e-13);
        proof.atMost("max |Δ| of dv", gap(tiled.v().toArray(), tape.of(v).toArray()), 1e-13);
      }
  }

  @Claim("agreement")
  @Test
  void the_vectorised_kernel_is_the_same_algorithm_on_floats(Proof proof) {
    RandomGenerator random = random(6);
    for (AttentionMask.Interval mask : AttentionForms.masks())
      for (int keys : new int[] {7, 64, 150}) {
        var p = AttentionForms.Problem.random(4, 2, 5, keys, 24, mask, random);
        Tensor[] heads = new Tensor[4];
        for (int head = 0; head < 4; head++)
          heads[head] =
              new FlashAttention(p.layer().attention(), 3, 16)
                  .apply(
                      p.q().select(0, head),
                      p.k().select(0, head / 2),
                      p.v().select(0, head / 2),
                      mask)
                  .output();
        double[] expected = Tensor.stack(0, heads).toArray();
        for (var form : AttentionForms.all().toList())
          proof.atMost(
              "relative max |Δ|, " + form, relativeGap(form.apply(p), expected), form.tolerance());
      }
  }

  @Claim("parity")
  @GoldenCases("core/attention")
  void equals_torch(GoldenCase golden, Proof proof) {
    Tensor q = golden.tensor("q");
    Tensor k = golden.tensor("k");
    Tensor v = golden.tensor("v");
    AttentionMask mask = mask(golden);
    Tensor[] heads = new Tensor[q.size(0)];
    for (int head = 0; head < heads.length; head++) {
      int group = head * k.size(0) / heads.length;
      var flash = new FlashAttention(ScaledDotProductTest.attention(golden, q.size(LAST)), 2, 2);
      heads[head] =
          flash.apply(q.select(0, head), k.select(0, group), v.select(0, group), mask).output();
    }
    golden.expect("out", Tensor.stack(0, heads), proof);
  }

  private static AttentionMask mask(GoldenCase golden) {
    return switch (golden.text("mask")) {
      case "none" -> new AttentionMask.Bidirectional();
      case "causal" -> CAUSAL;
      case "prefix" -> new AttentionMask.Prefix(golden.integer("prefix"));
      case "sliding" -> new AttentionMask.SlidingWindow(golden.integer("window"));
      case "padding" -> {
        double[] real = GoldenCase.numbers(golden.params().get("padding_mask"));
        boolean[] keys = new boolean[real.length];
        for (int j = 0; j < keys.length; j++) keys[j] = real[j] == 1;
        yield new AttentionMask.Padding(keys);
      }
      default -> throw new IllegalArgumentException(golden.text("mask"));
    };
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> flash(0, 4), "queryBlock", "0");
    Refusal.of(() -> flash(4, -1), "keyBlock", "-1");
    Tensor x = Tensor.ones(3, 8);
    Refusal.of(() -> flash(2, 2).apply(Tensor.ones(3, 4), x, x, CAUSAL), "[3, 4]", "head sizes");
    Refusal.of(() -> flash(2, 2).apply(x, x, Tensor.ones(2, 8), CAUSAL), "[2, 8]", "lengths");
    Refusal.of(() -> flash(2, 2).apply(Tensor.ones(4, 8), x, x, CAUSAL), "more queries");
    Refusal.of(() -> flash(2, 2).apply(Tensor.ones(1, 3, 8), x, x, CAUSAL), "matrices");
    var forward = flash(2, 2).apply(x, x, x, CAUSAL);
    Refusal.of(
        () -> FlashAttentionGradient.of(flash(2, 2), x, x, x, CAUSAL, forward, Tensor.ones(2, 8)),
        "upstream",
        "[2, 8]",
        "[3, 8]");
  }
}
