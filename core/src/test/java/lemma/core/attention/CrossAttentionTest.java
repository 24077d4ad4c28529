package lemma.core.attention;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("cross-attention")
class CrossAttentionTest {

  /// A layer between tokens of width `dim` and a context of width `contextDim`.
  private static CrossAttention layer(
      int heads, int headDim, int dim, int contextDim, RandomGenerator random) {
    int inner = heads * headDim;
    return new CrossAttention(
        heads,
        Tensor.gaussian(random, inner, dim).div(Math.sqrt(dim)),
        Tensor.gaussian(random, inner, contextDim).div(Math.sqrt(contextDim)),
        Tensor.gaussian(random, inner, contextDim).div(Math.sqrt(contextDim)),
        Tensor.gaussian(random, dim, inner).div(Math.sqrt(inner)),
        Tensor.gaussian(random, dim));
  }

  @Claim("permutation")
  @Test
  void permuting_the_text_tokens_leaves_the_output_unchanged(Proof proof) {
    RandomGenerator random = random(1);
    for (int trial = 0; trial < 20; trial++) {
      CrossAttention layer = layer(2, 4, 6, 5, random);
      Tensor image = Tensor.gaussian(random, 9, 6);
      Tensor text = Tensor.gaussian(random, 7, 5);
      int[] order = random.ints(1000, 0, 7).distinct().toArray();
      assertThat(order).hasSize(7);
      var straight = layer.apply(image, text);
      var permuted = layer.apply(image, text.rows(order));
      proof.atMost(
          "max |Δ| of the output",
          gap(permuted.output().toArray(), straight.output().toArray()),
          1e-13);
      for (int j = 0; j < 7; j++) // each token takes its weights along
      proof.atMost(
            "max |Δ| of a token's weights",
            gap(
                permuted.weights().select(LAST, j).toArray(),
                straight.weights().select(LAST, order[j]).toArray()),
            1e-14);
    }
  }

  @Claim("equivariant")
  @Test
  void permuting_the_queries_permutes_the_outputs(Proof proof) {
    RandomGenerator random = random(2);
    CrossAttention layer = layer(2, 4, 6, 5, random);
    Tensor image = Tensor.gaussian(random, 4, 6);
    Tensor text = Tensor.gaussian(random, 7, 5);
    int[] order = {2, 0, 3, 1}; // every pixel is answered by itself
    proof.atMost(
        "max |Δ|",
        gap(
            layer.apply(image.rows(order), text).output().toArray(),
            layer.apply(image, text).output().rows(order).toArray()),
        1e-14);
  }

  @Claim("sizes")
  @Test
  void lengths_and_widths_of_the_two_sides_may_differ() {
    RandomGenerator random = random(3);
    for (int[] sizes : new int[][] {{4096, 77, 32, 76}, {1, 5, 8, 3}, {6, 1, 4, 9}}) {
      CrossAttention layer = layer(2, 4, sizes[2], sizes[3], random);
      Tensor image = Tensor.gaussian(random, sizes[0], sizes[2]);
      Tensor text = Tensor.gaussian(random, sizes[1], sizes[3]);
      var result = layer.apply(image, text);
      assertThat(result.output().shape()).containsExactly(sizes[0], sizes[2]);
      assertThat(result.weights().shape()).containsExactly(2, sizes[0], sizes[1]);
      Tensor batch = Tensor.stack(0, image, image.neg());
      assertThat(layer.apply(batch, Tensor.stack(0, text, text)).output().shape())
          .containsExactly(2, sizes[0], sizes[2]);
    }
  }

  @Claim("self")
  @Test
  void with_itself_as_context_it_is_multi_head_self_attention(Proof proof) {
    RandomGenerator random = random(4);
    CrossAttention layer = layer(3, 2, 6, 6, random);
    var self =
        new MultiHeadAttention(
            3,
            Tensor.concat(0, layer.queryWeight(), layer.keyWeight(), layer.valueWeight()),
            Tensor.zeros(18),
            layer.outputWeight(),
            layer.outputBias());
    Tensor x = Tensor.gaussian(random, 5, 6);
    var expected = self.apply(x, x, x, Tensor.zeros(1, 1));
    proof.atMost(
        "max |Δ|", gap(layer.apply(x, x).output().toArray(), expected.output().toArray()), 1e-13);
  }

  @Claim("one-token")
  @Test
  void a_context_of_one_token_tells_every_pixel_the_same(Proof proof) {
    RandomGenerator random = random(5);
    CrossAttention layer = layer(2, 4, 6, 5, random);
    var result = layer.apply(Tensor.gaussian(random, 50, 6), Tensor.gaussian(random, 1, 5));
    assertThat(result.weights().toArray()).containsOnly(1);
    Tensor first = result.output().slice(0, 0, 1).broadcastTo(50, 6);
    proof.atMost("max |Δ| between pixels", gap(result.output().toArray(), first.toArray()), 1e-14);
  }

  @Claim("projected-once")
  @Test
  void keys_and_values_of_a_prompt_serve_every_step_and_depend_on_no_query() {
    RandomGenerator random = random(6);
    CrossAttention layer = layer(2, 4, 6, 5, random);
    Tensor text = Tensor.gaussian(random, 7, 5);
    var context = layer.project(text);
    for (int step = 0; step < 5; step++) {
      Tensor image = Tensor.gaussian(random, 9, 6);
      assertThat(layer.apply(image, context, Tensor.zeros(1, 1)).output().toArray())
          .isEqualTo(layer.apply(image, text).output().toArray());
    }
  }

  @Claim("padding")
  @Test
  void hidden_padding_changes_nothing_and_visible_padding_does(Proof proof) {
    RandomGenerator random = random(7);
    CrossAttention layer = layer(2, 4, 6, 5, random);
    Tensor image = Tensor.gaussian(random, 9, 6);
    Tensor text = Tensor.gaussian(random, 4, 5);
    Tensor padded = Tensor.concat(0, text, Tensor.gaussian(random, 3, 5));
    Tensor hidden = Tensor.vector(0, 0, 0, 0, 1, 1, 1);
    double[] expected = layer.apply(image, text).output().toArray();
    proof.atMost(
        "change by hidden padding",
        gap(layer.apply(image, layer.project(padded), hidden).output().toArray(), expected),
        1e-14);
    proof.atLeast(
        "change by visible padding",
        gap(layer.apply(image, padded).output().toArray(), expected),
        0.1);
  }

  @Claim("parity")
  @GoldenCases(
      value = "diffusion/attention-block",
      where = "kind",
      in = {"cross_attention", "self_attention"}) // the others are whole blocks of a U-Net
  void equals_the_cross_attention_of_stable_diffusion(GoldenCase golden, Proof proof) {
    var layer =
        new CrossAttention(
            golden.integer("heads"),
            golden.tensor("weights.to_q.weight"),
            golden.tensor("weights.to_k.weight"),
            golden.tensor("weights.to_v.weight"),
            golden.tensor("weights.to_out.0.weight"),
            golden.tensor("weights.to_out.0.bias"));
    Tensor x = golden.tensor("x");
    var result = layer.apply(x, golden.inputs().has("context") ? golden.tensor("context") : x);
    golden.expect("y", result.output(), proof);
    if (golden.expected().has("attention_map"))
      golden.expect("attention_map", result.weights(), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Tensor inner = Tensor.ones(6, 5);
    Tensor out = Tensor.ones(5, 6);
    Tensor bias = Tensor.ones(5);
    Refusal.of(() -> new CrossAttention(4, inner, inner, inner, out, bias), "heads", "6", "4");
    Refusal.of(
        () -> new CrossAttention(2, inner, Tensor.ones(6, 3), inner, out, bias),
        "keyWeight",
        "[6, 3]");
    Refusal.of(
        () -> new CrossAttention(2, inner, inner, inner, Tensor.ones(5, 4), bias),
        "outputWeight",
        "[5, 4]");
    Refusal.of(
        () -> new CrossAttention(2, inner, Tensor.ones(6), inner, out, bias), "matrices", "[6]");
    var layer = new CrossAttention(2, inner, inner, inner, out, bias);
    Refusal.of(() -> layer.apply(Tensor.ones(3, 4), Tensor.ones(2, 5)), "x", "5", "[3, 4]");
    Refusal.of(() -> layer.apply(Tensor.ones(3, 5), Tensor.ones(2, 4)), "context", "5", "[2, 4]");
  }
}
