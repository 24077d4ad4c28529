package lemma.core.norm;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;

import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.position.Rope;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("qk-norm")
class QkNormTest {

  private static Tensor scores(Tensor q, Tensor k) {
    return q.matmulTransposed(k).div(Math.sqrt(q.size(LAST)));
  }

  private static double largest(Tensor x) {
    return x.abs().max().item();
  }

  @Claim("bound")
  @Test
  void no_score_exceeds_the_bound_whatever_the_scale_of_the_weights(Proof proof) {
    RandomGenerator random = random(1);
    for (int headDim : new int[] {2, 16, 64}) {
      var norm =
          new QkNorm(
              new RmsNorm(Tensor.gaussian(random, headDim), 1e-6),
              new RmsNorm(Tensor.gaussian(random, headDim), 1e-6));
      Rope rope = Rope.llama(headDim, 10_000);
      int[] positions = IntStream.range(0, 20).toArray();
      Tensor x = Tensor.gaussian(random, 20, 32);
      for (double scale : new double[] {1e-3, 1, 1e3, 1e6}) {
        Tensor q = x.matmulTransposed(Tensor.gaussian(random, headDim, 32).mul(scale));
        Tensor k = x.matmulTransposed(Tensor.gaussian(random, headDim, 32).mul(scale));
        Tensor turned =
            scores(
                rope.apply(norm.applyToQuery(q), positions),
                rope.apply(norm.applyToKey(k), positions));
        proof.atMost("largest score / bound", largest(turned) / norm.bound(), 1);
      }
    }
  }

  @Claim("attained")
  @Test
  void bound_is_attained_by_a_key_that_equals_the_query(Proof proof) {
    for (int headDim : new int[] {1, 8, 128}) {
      QkNorm norm = QkNorm.plain(headDim, 0);
      Tensor q = Tensor.gaussian(random(2), 1, headDim);
      double score = scores(norm.applyToQuery(q), norm.applyToKey(q)).item();
      proof.atMost("|score / √d − 1|", Math.abs(score / Math.sqrt(headDim) - 1), 1e-14);
    }
  }

  @Claim("scale")
  @Test
  void without_it_scores_grow_with_the_square_of_the_weights_and_with_it_not_at_all(Proof proof) {
    RandomGenerator random = random(3);
    QkNorm norm = QkNorm.plain(32, 0);
    Tensor x = Tensor.gaussian(random, 10, 32);
    Tensor wq = Tensor.gaussian(random, 32, 32);
    Tensor wk = Tensor.gaussian(random, 32, 32);
    Tensor q = x.matmulTransposed(wq);
    Tensor k = x.matmulTransposed(wk);
    for (double scale : new double[] {0.1, 3, 100}) {
      Tensor largeQ = x.matmulTransposed(wq.mul(scale));
      Tensor largeK = x.matmulTransposed(wk.mul(scale));
      proof.atMost(
          "relative gap to scale², without",
          relativeGap(scores(largeQ, largeK).toArray(), scores(q, k).mul(scale * scale).toArray()),
          1e-13);
      proof.atMost(
          "relative change, with",
          relativeGap(
              scores(norm.applyToQuery(largeQ), norm.applyToKey(largeK)).toArray(),
              scores(norm.applyToQuery(q), norm.applyToKey(k)).toArray()),
          1e-13);
    }
  }

  @Claim("saturation")
  @Test
  void without_it_large_weights_leave_attention_no_gradient(Proof proof) {
    RandomGenerator random = random(4);
    Tensor x = Tensor.gaussian(random, 16, 32);
    Tensor wq = Tensor.gaussian(random, 32, 32).div(Math.sqrt(32));
    Tensor wk = Tensor.gaussian(random, 32, 32).div(Math.sqrt(32));
    QkNorm norm = QkNorm.plain(32, 1e-6);
    double[] without = new double[2];
    double[] with = new double[2];
    for (int i = 0; i < 2; i++) {
      double scale = i == 0 ? 1 : 30;
      Tensor q = x.matmulTransposed(wq.mul(scale));
      Tensor k = x.matmulTransposed(wk.mul(scale));
      without[i] = gradientOfScores(scores(q, k));
      with[i] = gradientOfScores(scores(norm.applyToQuery(q), norm.applyToKey(k)));
    }
    proof.atMost("gradient at 30 times the weights / at 1, without", without[1] / without[0], 0.1);
    proof.atLeast("the same with", with[1] / with[0], 0.999);
  }

  /// The mean power of the gradient that softmax lets through to its scores, from a fixed seed.
  private static double gradientOfScores(Tensor scores) {
    Tensor leaf = scores.parameter();
    Tensor seed = Tensor.gaussian(random(5), scores.shape());
    return leaf.softmax(LAST).backward(seed).of(leaf).square().mean().item();
  }

  @Claim("order")
  @Test
  void norm_and_rotation_commute_only_if_all_gains_are_equal(Proof proof) {
    RandomGenerator random = random(6);
    Rope rope = Rope.llama(8, 10_000);
    int[] positions = {0, 1, 2, 3, 4};
    Tensor q = Tensor.gaussian(random, 5, 8);
    var equal = new RmsNorm(Tensor.full(1.7, 8), 1e-6);
    var unequal = new RmsNorm(Tensor.gaussian(random, 8), 1e-6);
    proof.atMost("relative gap, equal gains", swapped(equal, rope, q, positions), 1e-14);
    proof.atLeast("relative gap, unequal gains", swapped(unequal, rope, q, positions), 0.05);
  }

  private static double swapped(RmsNorm norm, Rope rope, Tensor q, int[] positions) {
    return relativeGap(
        rope.apply(norm.apply(q), positions).toArray(),
        norm.apply(rope.apply(q, positions)).toArray());
  }

  @Claim("parity")
  @GoldenCases("core/qk-norm")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    double epsilon = golden.number("eps");
    var norm =
        new QkNorm(
            new RmsNorm(golden.tensor("q_weight"), epsilon),
            new RmsNorm(golden.tensor("k_weight"), epsilon));
    Tensor q = norm.applyToQuery(golden.tensor("q")); // [time, heads, d]
    Tensor k = norm.applyToKey(golden.tensor("k"));
    golden.expect("q_normed", q, proof);
    golden.expect("k_normed", k, proof);
    int time = q.size(0);
    int heads = q.size(1);
    int[] positions = IntStream.range(0, time).toArray();
    q = q.transpose(0, 1); // [heads, time, d]
    k = k.transpose(0, 1).repeat(0, heads / k.size(1));
    if (golden.flag("rope")) {
      Rope rope = Rope.llama(q.size(LAST), golden.number("theta"));
      q = rope.apply(q, positions);
      k = rope.apply(k, positions);
    }
    golden.expect("scores", scores(q, k), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    QkNorm norm = QkNorm.plain(4, 1e-6);
    Refusal.of(() -> norm.applyToQuery(Tensor.ones(2, 3)), "4", "[2, 3]");
    Refusal.of(() -> norm.applyToKey(Tensor.ones(2, 3)), "4", "[2, 3]");
    Refusal.of(
        () -> new QkNorm(norm.query(), new RmsNorm(Tensor.ones(5), 0)), "query", "[4]", "[5]");
    Refusal.of(() -> QkNorm.plain(4, -1), "epsilon", "-1");
  }
}
