package lemma.core.attention;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import lemma.core.tensor.SingularValues;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("decoder-only-low-rank")
class DecoderOnlyLowRankTest {
  private static final double ROUNDING = 1e-10; // of the largest singular value

  private static Tensor weights(Tensor scores, AttentionMask mask) {
    Tensor hidden = mask.hidden(scores.size(0), scores.size(1), 0);
    return scores.maskedFill(hidden, Double.NEGATIVE_INFINITY).softmax(LAST);
  }

  private static int rank(Tensor matrix) {
    return SingularValues.of(matrix).rank(ROUNDING);
  }

  @Claim("scores")
  @Test
  void scores_of_a_head_have_at_most_the_rank_of_its_width(Proof proof) {
    RandomGenerator random = random(1);
    for (int time : new int[] {8, 40, 80})
      for (int width : new int[] {1, 4, 16}) {
        Tensor q = Tensor.gaussian(random, time, width);
        Tensor k = Tensor.gaussian(random, time, width);
        assertThat(rank(q.matmulTransposed(k))).isEqualTo(Math.min(time, width));
      }
    Tensor q = Tensor.gaussian(random, 80, 16);
    proof.measured("rank of the scores of 80 tokens, head width 16", rank(q.matmulTransposed(q)));
  }

  @Claim("causal")
  @Test
  void causal_attention_is_triangular_with_a_positive_diagonal_and_so_always_of_full_rank(
      Proof proof) {
    RandomGenerator random = random(2);
    for (int time : new int[] {1, 8, 40, 80})
      for (int width : new int[] {1, 4, 16}) {
        Tensor q = Tensor.gaussian(random, time, width);
        Tensor k = Tensor.gaussian(random, time, width);
        Tensor weights =
            weights(q.matmulTransposed(k).div(Math.sqrt(width)), new AttentionMask.Causal());
        for (int i = 0; i < time; i++) {
          for (int j = i + 1; j < time; j++) assertThat(weights.get(i, j)).isZero();
          assertThat(weights.get(i, i)).isPositive(); // their product is the determinant
        }
        Tensor inverse = inverse(weights);
        double[] product = weights.matmul(inverse).toArray();
        proof.atMost( // one rounding for each of up to 80 terms
            "max |A·A⁻¹ − I| / max |A⁻¹|",
            gap(product, Tensor.eye(time).toArray()) / inverse.abs().max().item(),
            1e-14);
      }
  }

  /// The inverse of a triangular matrix, by forward substitution: it divides by the diagonal alone.
  private static Tensor inverse(Tensor lower) {
    int n = lower.size(0);
    double[][] inverse = new double[n][n];
    for (int i = 0; i < n; i++)
      for (int column = 0; column <= i; column++) {
        double rest = i == column ? 1 : 0;
        for (int j = column; j < i; j++) rest -= lower.get(i, j) * inverse[j][column];
        inverse[i][column] = rest / lower.get(i, i);
      }
    return Tensor.of(inverse);
  }

  @Claim("collapse")
  @Test
  void equal_keys_collapse_bidirectional_attention_to_rank_1_and_causal_to_nothing_less(
      Proof proof) {
    Tensor scores = Tensor.gaussian(random(3), 40, 1).broadcastTo(40, 40); // k the same for all j
    int bidirectional = rank(weights(scores, new AttentionMask.Bidirectional()));
    int causal = rank(weights(scores, new AttentionMask.Causal()));
    assertThat(bidirectional).isEqualTo(1);
    assertThat(causal).isEqualTo(40);
    proof.measured("rank of 40 tokens with equal keys, bidirectional", bidirectional);
    proof.measured("rank of 40 tokens with equal keys, causal", causal);
  }

  @Claim("softmax-lifts")
  @Test
  void softmax_lifts_the_rank_so_bidirectional_attention_is_not_bounded_by_the_head_width(
      Proof proof) {
    RandomGenerator random = random(4);
    for (int width : new int[] {4, 8, 16}) {
      Tensor q = Tensor.gaussian(random, 40, width);
      Tensor k = Tensor.gaussian(random, 40, width);
      Tensor scores = q.matmulTransposed(k).div(Math.sqrt(width));
      assertThat(rank(scores)).isEqualTo(width);
      int after = rank(weights(scores, new AttentionMask.Bidirectional()));
      proof.atLeast("rank of 40 tokens after softmax", after, 40);
    }
  }

  @Claim("energy")
  @Test
  void by_energy_a_causal_matrix_is_about_as_concentrated_as_a_bidirectional_one(Proof proof) {
    RandomGenerator random = random(5);
    for (int trial = 0; trial < 5; trial++) {
      Tensor q = Tensor.gaussian(random, 64, 8);
      Tensor k = Tensor.gaussian(random, 64, 8);
      Tensor scores = q.matmulTransposed(k).div(Math.sqrt(8));
      proof.atMost(
          "directions of 64 with 90 % of the energy, bidirectional",
          directions(weights(scores, new AttentionMask.Bidirectional())), 16);
      proof.atMost(
          "directions of 64 with 90 % of the energy, causal",
          directions(weights(scores, new AttentionMask.Causal())), 16);
    }
  }

  /// How many singular directions hold nine tenths of the sum of squares.
  private static int directions(Tensor matrix) {
    double[] s = SingularValues.of(matrix).s();
    double all = 0;
    for (double value : s) all += value * value;
    double sum = 0;
    int count = 0;
    while (sum < 0.9 * all) sum += s[count] * s[count++];
    return count;
  }

  @Claim("not-conditioned")
  @Test
  void full_rank_promises_nothing_in_finite_precision(Proof proof) {
    int time = 30;
    double[] sink = new double[time];
    sink[0] = 40; // a head that puts its weight on the first token
    Tensor scores = Tensor.vector(sink).unsqueeze(0).broadcastTo(time, time);
    Tensor weights = weights(scores, new AttentionMask.Causal());
    for (int i = 0; i < time; i++) assertThat(weights.get(i, i)).isPositive();
    proof.atMost("least diagonal entry", weights.get(time - 1, time - 1), 1e-17);
    assertThat(rank(weights)).isEqualTo(1); // numerically
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    SingularValues one = SingularValues.of(Tensor.eye(2));
    Refusal.of(() -> one.rank(-1), "tolerance", "-1");
    Refusal.of(() -> one.rank(Double.NaN), "tolerance", "NaN");
    Refusal.of(() -> SingularValues.of(Tensor.ones(3)), "matrix", "[3]");
  }
}
