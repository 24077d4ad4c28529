package lemma.core.position;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("relative-bias")
class RelativeBiasTest {
  private static final Tensor NOTHING = Tensor.zeros(1, 1);

  @Claim("distance")
  @Test
  void logits_depend_on_the_distance_alone(Proof proof) {
    RandomGenerator random = random(1);
    for (boolean bidirectional : new boolean[] {true, false}) {
      RelativeBias relative = RelativeBias.t5(bidirectional);
      Tensor bias = relative.bias(Tensor.gaussian(random, 32, 3), 150, 150, 0);
      for (int head = 0; head < 3; head++)
        for (int i = 1; i < 150; i++)
          for (int j = 1; j < 150; j++)
            assertThat(bias.get(head, i, j)).isEqualTo(bias.get(head, i - 1, j - 1));
      Tensor last = relative.bias(Tensor.gaussian(random(9), 32, 1), 3, 150, 147);
      Tensor all = relative.bias(Tensor.gaussian(random(9), 32, 1), 150, 150, 0);
      assertThat(last.toArray()).isEqualTo(all.slice(1, 147, 150).toArray()); // behind a cache
    }
    RelativeKeys keys = new RelativeKeys(Tensor.gaussian(random, 9, 8));
    Tensor q = Tensor.gaussian(random, 1, 8);
    for (int shift : new int[] {0, 1, 50}) {
      Tensor row = keys.scores(q, 20 + shift, 10 + shift).slice(1, shift, 20 + shift);
      proof.atMost(
          "change of a Shaw score under a shift",
          gap(row.toArray(), keys.scores(q, 20, 10).toArray()),
          1e-14);
    }
  }

  @Claim("buckets")
  @Test
  void bucket_boundaries_are_those_of_t5() {
    assertThat(starts(RelativeBias.t5(false)))
        .containsExactly( // own buckets up to 15, then growing by 8^(1/16) up to 128
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 19, 21, 24, 27, 31, 35, 40,
            46, 52, 59, 67, 77, 87, 99, 113);
    assertThat(starts(RelativeBias.t5(true)))
        .containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91);
  }

  /// The distances at which a new bucket begins, looking back.
  private static int[] starts(RelativeBias relative) {
    return IntStream.range(0, 5000)
        .filter(r -> r == 0 || relative.bucket(-r) != relative.bucket(1 - r))
        .toArray();
  }

  @Claim("any-length")
  @Test
  void every_distance_has_a_bucket_and_buckets_never_go_back() {
    for (boolean bidirectional : new boolean[] {true, false})
      for (int buckets : new int[] {4, 7, 8, 32})
        for (int maxDistance : new int[] {5, 17, 128}) {
          if (maxDistance <= buckets / 2) continue;
          var relative = new RelativeBias(bidirectional, buckets, maxDistance);
          int own = bidirectional ? buckets / 2 : buckets;
          int previous = 0;
          for (int r = 0; r < 2 * maxDistance; r++) {
            assertThat(relative.bucket(-r)).isBetween(previous, own - 1);
            previous = relative.bucket(-r);
          }
          for (int far : new int[] {maxDistance, 100_000, Integer.MAX_VALUE})
            assertThat(relative.bucket(-far)).isEqualTo(own - 1);
        }
  }

  @Claim("direction")
  @Test
  void an_encoder_tells_before_from_after_and_a_decoder_has_no_after() {
    RelativeBias encoder = RelativeBias.t5(true);
    RelativeBias decoder = RelativeBias.t5(false);
    for (int r = 1; r < 300; r++) {
      assertThat(encoder.bucket(r)).isEqualTo(encoder.bucket(-r) + 16);
      assertThat(decoder.bucket(r)).isEqualTo(decoder.bucket(0)).isZero();
    }
  }

  @Claim("weight")
  @Test
  void a_bias_multiplies_the_weight_before_normalisation_by_its_exponential(Proof proof) {
    RandomGenerator random = random(2);
    var attention = new ScaledDotProduct(1, Double.POSITIVE_INFINITY);
    Tensor q = Tensor.gaussian(random, 2, 6, 4);
    Tensor k = Tensor.gaussian(random, 2, 6, 4);
    Tensor bias = new RelativeBias(true, 8, 16).bias(Tensor.gaussian(random, 8, 2), 6, 6, 0);
    Tensor with = attention.apply(q, k, k, NOTHING, bias).weights();
    Tensor multiplied = attention.apply(q, k, k).weights().mul(bias.exp());
    Tensor expected = multiplied.div(multiplied.sum(-1, true));
    proof.atMost("max |Δ|", gap(with.toArray(), expected.toArray()), 1e-15);
  }

  @Claim("shared-row")
  @Test
  void a_bucket_learns_from_every_pair_that_falls_into_it() {
    Tensor table = Tensor.zeros(8, 1).parameter();
    var relative = new RelativeBias(false, 8, 16);
    double[] gradient = relative.bias(table, 30, 30, 0).sum().backward().of(table).toArray();
    double[] pairs = new double[8];
    for (int i = 0; i < 30; i++) for (int j = 0; j < 30; j++) pairs[relative.bucket(j - i)]++;
    assertThat(gradient).isEqualTo(pairs).doesNotContain(0.0);
  }

  @Claim("shaw")
  @Test
  void shaws_attention_is_a_bias_that_the_query_chooses_and_a_term_of_the_output(Proof proof) {
    RandomGenerator random = random(3);
    int time = 9;
    int dim = 4;
    Tensor q = Tensor.gaussian(random, time, dim);
    Tensor k = Tensor.gaussian(random, time, dim);
    Tensor v = Tensor.gaussian(random, time, dim);
    var keys = new RelativeKeys(Tensor.gaussian(random, 5, dim)); // distances −2 … 2
    var values = new RelativeKeys(Tensor.gaussian(random, 5, dim));
    Tensor hidden = new AttentionMask.Causal().hidden(time, time, 0);
    Tensor bias = keys.scores(q, time, 0).div(Math.sqrt(dim));
    var result = ScaledDotProduct.of(dim).apply(q, k, v, hidden, bias);
    Tensor output = result.output().add(values.values(result.weights(), 0));
    for (int i = 0; i < time; i++) // as the paper writes it, one query at a time
    proof.atMost(
          "max |Δ|",
          gap(output.select(0, i).toArray(), shaw(i, q, k, v, keys.table(), values.table())),
          1e-14);
    Tensor other = keys.scores(q.mul(-1), time, 0);
    proof.atLeast( // T5's bias is the same for every query
        "gap between the biases of two queries",
        gap(other.toArray(), keys.scores(q, time, 0).toArray()),
        1);
  }

  /// Eq. 3 and 4 for query i of a causal text.
  private static double[] shaw(int i, Tensor q, Tensor k, Tensor v, Tensor keyRows, Tensor values) {
    int dim = q.size(1);
    int reach = keyRows.size(0) / 2;
    double[] weights = new double[i + 1];
    for (int j = 0; j <= i; j++) {
      int row = reach + Math.max(j - i, -reach);
      double score = 0;
      for (int d = 0; d < dim; d++) score += q.get(i, d) * (k.get(j, d) + keyRows.get(row, d));
      weights[j] = Math.exp(score / Math.sqrt(dim));
    }
    double sum = Arrays.stream(weights).sum();
    double[] z = new double[dim];
    for (int j = 0; j <= i; j++)
      for (int d = 0; d < dim; d++)
        z[d] += weights[j] / sum * (v.get(j, d) + values.get(reach + Math.max(j - i, -reach), d));
    return z;
  }

  @Claim("clip")
  @Test
  void beyond_its_reach_shaw_cannot_tell_distances_apart() {
    var keys = new RelativeKeys(Tensor.gaussian(random(4), 7, 4));
    Tensor scores = keys.scores(Tensor.gaussian(random(5), 1, 4), 40, 20);
    assertThat(keys.reach()).isEqualTo(3);
    for (int j = 0; j < 17; j++) assertThat(scores.get(0, j)).isEqualTo(scores.get(0, 17));
    for (int j = 24; j < 40; j++) assertThat(scores.get(0, j)).isEqualTo(scores.get(0, 23));
    double[] near = scores.slice(1, 17, 24).toArray();
    assertThat(Arrays.stream(near).distinct().count()).isEqualTo(7);
  }

  @Claim("parity")
  @GoldenCases("core/t5-relative-bias")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    var relative =
        new RelativeBias(
            golden.flag("bidirectional"),
            golden.integer("num_buckets"),
            golden.integer("max_distance"));
    switch (golden.text("kind")) {
      case "buckets" ->
          golden.expect(
              "buckets",
              Arrays.stream(golden.ints("relative_positions")).map(relative::bucket).toArray());
      case "bias" -> {
        int queries = golden.integer("q_len");
        int keys = golden.integer("k_len");
        int[] buckets =
            IntStream.range(0, queries * keys)
                .map(pair -> relative.bucket(pair % keys - pair / keys))
                .toArray();
        golden.expect("buckets", buckets);
        golden.expect("bias", relative.bias(golden.tensor("table"), queries, keys, 0), proof);
      }
      default -> throw new IllegalArgumentException(golden.text("kind"));
    }
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new RelativeBias(true, 3, 128), "buckets", "4", "3");
    Refusal.of(() -> new RelativeBias(false, 1, 128), "buckets", "2", "1");
    Refusal.of(() -> new RelativeBias(false, 32, 16), "maxDistance", "16");
    RelativeBias relative = RelativeBias.t5(true);
    Refusal.of(() -> relative.bias(Tensor.ones(31, 2), 3, 3, 0), "table", "32", "[31, 2]");
    Refusal.of(() -> relative.bias(Tensor.ones(32, 2), 3, 3, -1), "offset", "-1");
    Refusal.of(() -> new RelativeKeys(Tensor.ones(4, 2)), "table", "[4, 2]");
    var keys = new RelativeKeys(Tensor.ones(5, 4));
    Refusal.of(() -> keys.scores(Tensor.ones(3, 2), 3, 0), "q", "4", "[3, 2]");
    Refusal.of(() -> keys.scores(Tensor.ones(3, 4), -1, 0), "keys", "-1");
    Refusal.of(() -> keys.values(Tensor.ones(3), 0), "weights", "[3]");
    Refusal.of(
        () -> ScaledDotProduct.of(4).apply(q(), q(), q(), NOTHING, Tensor.ones(2, 3, 3)),
        "[2, 3, 3]",
        "[3, 3]");
  }

  private static Tensor q() {
    return Tensor.ones(3, 4);
  }
}
