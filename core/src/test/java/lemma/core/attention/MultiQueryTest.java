package lemma.core.attention;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.attention.AttentionForms.NamedForm;
import lemma.core.attention.AttentionForms.Problem;
import lemma.core.cache.KvCacheSize;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("multi-query")
class MultiQueryTest {
  private static final AttentionMask.Interval CAUSAL = new AttentionMask.Causal();

  static Stream<NamedForm> forms() {
    return AttentionForms.all();
  }

  @Claim("shared")
  @ParameterizedTest
  @MethodSource("forms")
  void all_query_heads_attend_to_one_head_of_keys_and_values(NamedForm form, Proof proof) {
    RandomGenerator random = random(1);
    for (int trial = 0; trial < 10; trial++) {
      Problem p = Problem.random(5, 1, 3, 9, 16, CAUSAL, random);
      Tensor[] heads = new Tensor[5];
      for (int h = 0; h < 5; h++)
        heads[h] =
            p.layer()
                .attention()
                .apply(p.q().select(0, h), p.k().select(0, 0), p.v().select(0, 0), CAUSAL)
                .output();
      double[] expected = Tensor.stack(0, heads).toArray();
      proof.atMost("relative max |Δ|", relativeGap(form.apply(p), expected), form.tolerance());
    }
  }

  @Claim("one-matrix")
  @Test
  void heads_and_queries_are_rows_of_one_product_with_the_shared_keys(Proof proof) {
    RandomGenerator random = random(2);
    Tensor q = Tensor.gaussian(random, 6, 4, 8); // [heads, queries, headDim]
    Tensor k = Tensor.gaussian(random, 1, 10, 8);
    Tensor v = Tensor.gaussian(random, 1, 10, 8);
    var attention = ScaledDotProduct.of(8);
    Tensor rows = attention.apply(q.reshape(24, 8), k.select(0, 0), v.select(0, 0)).output();
    Tensor heads = new GroupedQuery(6, 1, attention).apply(q, k, v, Tensor.zeros(1, 1));
    proof.atMost("max |Δ|", gap(rows.toArray(), heads.toArray()), 1e-15);
  }

  @Claim("same-positions")
  @Test
  void a_query_sees_as_many_keys_as_in_multi_head_attention_and_not_more() {
    RandomGenerator random = random(3);
    for (int keyValueHeads : new int[] {8, 2, 1}) {
      var layer = new GroupedQuery(8, keyValueHeads, ScaledDotProduct.of(4));
      Tensor q = Tensor.gaussian(random, 8, 3, 4);
      Tensor k = Tensor.gaussian(random, keyValueHeads, 7, 4);
      Tensor weights = layer.result(q, k, k, Tensor.zeros(1, 1)).weights();
      assertThat(weights.shape()).containsExactly(8, 3, 7); // whatever the number of kv heads
    }
  }

  @Claim("cache")
  @Test
  void the_cache_falls_by_the_number_of_query_heads() {
    for (int heads : new int[] {8, 32, 71}) // 71: Falcon-7B
    assertThat(new KvCacheSize(32, 1, 64, 2).bytesPerToken() * heads)
          .isEqualTo(new KvCacheSize(32, heads, 64, 2).bytesPerToken());
  }

  @Claim("converted")
  @Test
  void averaging_heads_is_exact_if_they_agree_and_the_nearest_single_head_if_not(Proof proof) {
    RandomGenerator random = random(4);
    Tensor weight = Tensor.gaussian(random, 6, 10); // one head of keys, 6 wide
    Tensor equal = Tensor.concat(0, weight, weight, weight, weight);
    double[] pooled = new GroupedQuery(4, 1, ScaledDotProduct.of(6)).pooled(equal).toArray();
    assertThat(pooled).isEqualTo(weight.toArray());

    Tensor heads = Tensor.gaussian(random, 24, 10);
    Tensor mean = new GroupedQuery(4, 1, ScaledDotProduct.of(6)).pooled(heads);
    double best = distance(heads, mean);
    for (int trial = 0; trial < 50; trial++) {
      Tensor other = mean.add(Tensor.gaussian(random, 6, 10).mul(0.1));
      proof.atLeast(
          "squared distance to the heads / that of the mean", distance(heads, other) / best, 1);
    }
    Tensor pairs = new GroupedQuery(4, 2, ScaledDotProduct.of(6)).pooled(heads); // grouped-query
    assertThat(pairs.shape()).containsExactly(12, 10);
    double[] second = heads.slice(0, 12, 18).add(heads.slice(0, 18, 24)).div(2).toArray();
    assertThat(pairs.slice(0, 6, 12).toArray()).isEqualTo(second);
  }

  private static double distance(Tensor heads, Tensor one) {
    return heads.reshape(4, 6, 10).sub(one).square().sum().item();
  }

  @Claim("loss")
  @Test
  void heads_whose_keys_disagree_are_changed_by_sharing(Proof proof) {
    RandomGenerator random = random(5);
    Problem p = Problem.random(4, 4, 6, 12, 8, CAUSAL, random);
    double[] multiHead = AttentionForms.formula(p).toArray();
    var shared = new GroupedQuery(4, 1, p.layer().attention());
    double[] multiQuery =
        shared
            .apply(
                p.q(), p.k().mean(0, false).unsqueeze(0), p.v().mean(0, false).unsqueeze(0), CAUSAL)
            .toArray();
    double size = Math.sqrt(Arrays.stream(multiHead).map(x -> x * x).average().orElseThrow());
    proof.atLeast("max |Δ| / root mean square", gap(multiQuery, multiHead) / size, 1);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    var layer = new GroupedQuery(4, 1, ScaledDotProduct.of(6));
    Refusal.of(() -> layer.pooled(Tensor.ones(6, 10)), "weight", "4 heads", "[6, 10]");
    Refusal.of(() -> layer.pooled(Tensor.ones(24)), "weight", "[24]");
    Tensor q = Tensor.ones(4, 2, 6);
    Refusal.of(() -> layer.apply(q, Tensor.ones(2, 3, 6), Tensor.ones(2, 3, 6), CAUSAL), "1 heads");
  }
}
