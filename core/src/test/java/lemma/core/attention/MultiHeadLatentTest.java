package lemma.core.attention;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import lemma.core.cache.KvCacheSize;
import lemma.core.position.Rope;
import lemma.core.tensor.SingularValues;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("multi-head-latent")
class MultiHeadLatentTest {

  private static MultiHeadLatent layer(
      int heads, int headDim, int ropeDim, int latent, int dim, RandomGenerator random) {
    double size = Math.sqrt(dim);
    return new MultiHeadLatent(
        MultiHeadLatent.rope(ropeDim),
        Tensor.gaussian(random, latent, dim).div(size),
        Tensor.gaussian(random, ropeDim, dim).div(size),
        Tensor.gaussian(random, heads, headDim, latent).div(Math.sqrt(latent)),
        Tensor.gaussian(random, heads, headDim, latent).div(Math.sqrt(latent)),
        Tensor.gaussian(random, heads, headDim, dim).div(size),
        Tensor.gaussian(random, heads, ropeDim, dim).div(size),
        Tensor.gaussian(random, dim, heads * headDim).div(size));
  }

  @Claim("absorbed")
  @Test
  void absorbed_form_gives_the_same_numbers_without_keys_and_values(Proof proof) {
    RandomGenerator random = random(1);
    for (int trial = 0; trial < 10; trial++) {
      MultiHeadLatent layer = layer(4, 6, 4, 5, 12, random);
      Tensor x = Tensor.gaussian(random, 11, 12);
      var past = layer.apply(Tensor.gaussian(random, 3, 12), layer.empty()).past();
      var expanded = layer.apply(x, past);
      var absorbed = layer.absorbed(x, past);
      proof.atMost(
          "relative max |Δ|",
          relativeGap(absorbed.output().toArray(), expanded.output().toArray()),
          1e-13);
      assertThat(absorbed.past().latent().toArray()).isEqualTo(expanded.past().latent().toArray());
    }
  }

  @Claim("cached")
  @Test
  void decoding_token_by_token_from_the_latent_cache_equals_the_whole_text(Proof proof) {
    RandomGenerator random = random(2);
    MultiHeadLatent layer = layer(3, 4, 2, 5, 8, random);
    Tensor x = Tensor.gaussian(random, 9, 8);
    double[] whole = layer.apply(x, layer.empty()).output().toArray();
    Tensor[] outputs = new Tensor[9];
    var past = layer.empty();
    for (int t = 0; t < 9; t++) {
      var step = layer.absorbed(x.slice(0, t, t + 1), past);
      outputs[t] = step.output();
      past = step.past();
    }
    proof.atMost("max |Δ|", gap(Tensor.concat(0, outputs).toArray(), whole), 1e-13);
    assertThat(past.latent().count() + past.ropeKeys().count())
        .isEqualTo(9 * layer.cachedPerToken());
  }

  @Claim("cache")
  @Test
  void deepseek_v2_caches_as_much_as_two_and_a_quarter_grouped_heads(Proof proof) {
    int latent = 512; // per layer: 128 heads of 128, rotated keys of 64
    int ropeDim = 64;
    MultiHeadLatent layer = layer(2, 128, ropeDim, latent, 8, random(3)); // heads do not matter
    assertThat(layer.cachedPerToken()).isEqualTo(latent + ropeDim).isEqualTo(576);
    long multiHead = new KvCacheSize(1, 128, 128, 1).bytesPerToken();
    long oneGroup = new KvCacheSize(1, 1, 128, 1).bytesPerToken();
    assertThat(multiHead).isEqualTo(32_768);
    assertThat(layer.cachedPerToken()).isEqualTo((int) (2.25 * oneGroup));
    proof.measured("multi-head cache / latent cache", (double) multiHead / layer.cachedPerToken());
    for (int heads : new int[] {1, 4, 16})
      assertThat(layer(heads, 8, 4, 6, 8, random(4)).cachedPerToken()).isEqualTo(10);
  }

  @Claim("own-heads")
  @Test
  void every_head_has_keys_of_its_own_and_all_lie_in_one_space_of_the_latent_width(Proof proof) {
    RandomGenerator random = random(5);
    MultiHeadLatent layer = layer(4, 6, 4, 5, 16, random);
    Tensor c = Tensor.gaussian(random, 40, 16).matmulTransposed(layer.downWeight());
    Tensor keys = c.matmulTransposed(layer.keyUpWeight()); // [heads, tokens, headDim]
    proof.atLeast( // where one shared head would give 0
        "gap between the keys of two heads",
        gap(keys.select(0, 0).toArray(), keys.select(0, 1).toArray()),
        1);
    Tensor beside = keys.transpose(0, 1).reshape(40, 4 * 6);
    var svd = SingularValues.of(beside);
    assertThat(svd.rank(1e-12)).isEqualTo(5);
    proof.measured("rank of 40 tokens' keys, 24 wide", svd.rank(1e-12));
  }

  @Claim("rotation")
  @Test
  void a_rotation_of_the_made_keys_could_not_be_absorbed(Proof proof) {
    RandomGenerator random = random(6);
    int headDim = 6;
    Tensor query = Tensor.gaussian(random, headDim, 8);
    Tensor up = Tensor.gaussian(random, headDim, 5);
    Rope rope = MultiHeadLatent.rope(headDim);
    Tensor first = folded(rope, query, up, 9, 4);
    proof.atMost( // one matrix for each distance …
        "max |Δ| at the same distance",
        gap(folded(rope, query, up, 29, 24).toArray(), first.toArray()),
        1e-13);
    for (int n = 5; n < 9; n++)
      proof.atLeast( // … and another for every other
          "max |Δ| at another distance",
          gap(folded(rope, query, up, 9, n).toArray(), first.toArray()),
          0.5);
  }

  /// W_Qᵀ·R(m)ᵀ·R(n)·W_UK: what would have to be folded into the query, `[dim, latent]`.
  private static Tensor folded(Rope rope, Tensor query, Tensor up, int m, int n) {
    Tensor q = rope.apply(query.transpose(0, 1).unsqueeze(1), m).squeeze(1); // [dim, headDim]
    Tensor k = rope.apply(up.transpose(0, 1).unsqueeze(1), n).squeeze(1); // [latent, headDim]
    return q.matmulTransposed(k);
  }

  @Claim("parity")
  @GoldenCases("core/mla")
  void equals_the_derivation_in_both_forms(GoldenCase golden, Proof proof) {
    var layer =
        new MultiHeadLatent(
            MultiHeadLatent.rope(golden.integer("rope_dim")),
            golden.tensor("W_dkv"),
            golden.tensor("W_kr"),
            golden.tensor("W_uk"),
            golden.tensor("W_uv"),
            golden.tensor("W_q"),
            golden.tensor("W_qr"),
            golden.tensor("W_o"));
    Tensor x = golden.tensor("x");
    var expanded = layer.apply(x, layer.empty());
    golden.expect("latent", expanded.past().latent(), proof);
    golden.expect("k_rope", expanded.past().ropeKeys(), proof);
    golden.expect("out", expanded.output(), proof);
    golden.expect("out", layer.absorbed(x, layer.empty()).output(), proof);
    assertThat(layer.cachedPerToken()).isEqualTo(golden.integer("cache_floats_per_token"));
    assertThat(
            new KvCacheSize(1, golden.integer("heads"), golden.integer("head_dim"), 1)
                .bytesPerToken())
        .isEqualTo(golden.integer("mha_floats_per_token"));
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Tensor down = Tensor.ones(3, 6);
    Tensor up = Tensor.ones(2, 4, 3);
    Tensor q = Tensor.ones(2, 4, 6);
    Tensor ropeQ = Tensor.ones(2, 2, 6);
    Tensor ropeK = Tensor.ones(2, 6);
    Tensor out = Tensor.ones(6, 8);
    Rope rope = MultiHeadLatent.rope(2);
    Refusal.of(
        () -> new MultiHeadLatent(rope, down, ropeK, up, up, q, ropeQ, Tensor.ones(6, 4)),
        "outputWeight",
        "[6, 8]",
        "[6, 4]");
    Refusal.of(
        () -> new MultiHeadLatent(rope, down, Tensor.ones(4, 6), up, up, q, ropeQ, out),
        "ropeKeyWeight",
        "[2, 6]",
        "[4, 6]");
    Refusal.of(
        () -> new MultiHeadLatent(rope, down, ropeK, Tensor.ones(2, 4, 2), up, q, ropeQ, out),
        "keyUpWeight",
        "[2, 4, 2]");
    var layer = new MultiHeadLatent(rope, down, ropeK, up, up, q, ropeQ, out);
    Refusal.of(() -> layer.apply(Tensor.ones(2, 5), layer.empty()), "x", "6", "[2, 5]");
    Refusal.of(() -> layer.absorbed(Tensor.ones(0, 6), layer.empty()), "x", "[0, 6]");
  }
}
