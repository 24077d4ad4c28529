package lemma.core.attention;

import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.attention.AttentionForms.NamedForm;
import lemma.core.attention.AttentionForms.Problem;
import lemma.core.cache.ContiguousKvCache;
import lemma.core.cache.KvCacheSize;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("grouped-query")
class GroupedQueryTest {
  private static final AttentionMask.Interval CAUSAL = new AttentionMask.Causal();

  static Stream<NamedForm> forms() {
    return AttentionForms.all();
  }

  /// Every query head with key/value head `of[head]`, one at a time.
  private static double[] headByHead(Problem p, int... of) {
    Tensor[] outputs = new Tensor[of.length];
    for (int head = 0; head < of.length; head++)
      outputs[head] =
          p.layer()
              .attention()
              .apply(
                  p.q().select(0, head),
                  p.k().select(0, of[head]),
                  p.v().select(0, of[head]),
                  p.mask())
              .output();
    return Tensor.stack(0, outputs).toArray();
  }

  @Claim("multi-head")
  @ParameterizedTest
  @MethodSource("forms")
  void with_as_many_key_value_heads_as_query_heads_it_is_multi_head_attention(
      NamedForm form, Proof proof) {
    RandomGenerator random = random(1);
    for (int trial = 0; trial < 10; trial++) {
      Problem p = Problem.random(4, 4, 3, 9, 12, CAUSAL, random);
      proof.atMost(
          "max |Δ|", relativeGap(form.apply(p), headByHead(p, 0, 1, 2, 3)), form.tolerance());
    }
  }

  @Claim("multi-query")
  @ParameterizedTest
  @MethodSource("forms")
  void with_one_key_value_head_it_is_multi_query_attention(NamedForm form, Proof proof) {
    RandomGenerator random = random(2);
    for (int trial = 0; trial < 10; trial++) {
      Problem p = Problem.random(4, 1, 3, 9, 12, CAUSAL, random);
      proof.atMost(
          "max |Δ|", relativeGap(form.apply(p), headByHead(p, 0, 0, 0, 0)), form.tolerance());
    }
  }

  @Claim("groups")
  @ParameterizedTest
  @MethodSource("forms")
  void consecutive_query_heads_share_a_key_value_head(NamedForm form, Proof proof) {
    RandomGenerator random = random(3);
    for (int trial = 0; trial < 10; trial++) {
      Problem p = Problem.random(6, 2, 3, 9, 12, CAUSAL, random);
      double[] output = form.apply(p);
      proof.atMost(
          "max |Δ|", relativeGap(output, headByHead(p, 0, 0, 0, 1, 1, 1)), form.tolerance());
      proof.atLeast(
          "gap to heads dealt in turn", relativeGap(output, headByHead(p, 0, 1, 0, 1, 0, 1)), 0.1);
    }
  }

  @Claim("one-head")
  @Test
  void a_query_head_reads_one_key_value_head_and_never_several() {
    RandomGenerator random = random(4);
    for (int keyValueHeads : new int[] {1, 2, 4, 8}) {
      var layer = new GroupedQuery(8, keyValueHeads, ScaledDotProduct.of(6));
      Tensor q = Tensor.gaussian(random, 8, 2, 6);
      Tensor k = Tensor.gaussian(random, keyValueHeads, 5, 6).parameter();
      Tensor v = Tensor.gaussian(random, keyValueHeads, 5, 6).parameter();
      Tensor output = layer.apply(q, k, v, CAUSAL);
      for (int head = 0; head < 8; head++) {
        var gradients = output.select(0, head).square().sum().backward();
        for (int group = 0; group < keyValueHeads; group++) {
          double[] ofKeys = gradients.of(k).select(0, group).toArray();
          double[] ofValues = gradients.of(v).select(0, group).toArray();
          if (group == head * keyValueHeads / 8) {
            assertThat(ofKeys).isNotEqualTo(new double[ofKeys.length]);
            assertThat(ofValues).isNotEqualTo(new double[ofValues.length]);
          } else {
            assertThat(ofKeys).containsOnly(0);
            assertThat(ofValues).containsOnly(0);
          }
        }
      }
    }
  }

  @Claim("cache")
  @Test
  void the_cache_falls_by_the_group_size() {
    long multiHead = new KvCacheSize(32, 32, 128, 2).bytesPerToken();
    for (int keyValueHeads : new int[] {32, 16, 8, 4, 2, 1}) {
      var layer = new GroupedQuery(32, keyValueHeads, ScaledDotProduct.of(128));
      assertThat(new KvCacheSize(32, keyValueHeads, 128, 2).bytesPerToken() * layer.groupSize())
          .isEqualTo(multiHead);
      assertThat(new ContiguousKvCache(keyValueHeads, 128, 64).bytes() * layer.groupSize())
          .isEqualTo(new ContiguousKvCache(32, 128, 64).bytes());
    }
  }

  @Claim("expressive")
  @Test
  void repeating_the_shared_heads_gives_a_multi_head_layer_with_the_same_output(Proof proof) {
    RandomGenerator random = random(5);
    for (int trial = 0; trial < 10; trial++) {
      Problem p = Problem.random(8, 2, 4, 10, 6, CAUSAL, random);
      var multiHead = new GroupedQuery(8, 8, p.layer().attention());
      Tensor repeated = multiHead.apply(p.q(), p.k().repeat(0, 4), p.v().repeat(0, 4), CAUSAL);
      proof.atMost(
          "max |Δ|", relativeGap(AttentionForms.formula(p).toArray(), repeated.toArray()), 1e-14);
    }
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("forms")
  void every_form_agrees_with_the_formula(NamedForm form, Proof proof) {
    RandomGenerator random = random(6);
    for (int keyValueHeads : new int[] {1, 2, 3, 4, 6, 12})
      for (int keys : new int[] {1, 64, 100})
        for (int headDim : new int[] {8, 40, 64}) {
          Problem p = Problem.random(12, keyValueHeads, 1, keys, headDim, CAUSAL, random);
          proof.atMost(
              "max |Δ|",
              relativeGap(form.apply(p), AttentionForms.formula(p).toArray()),
              form.tolerance());
        }
  }

  @Claim("parity")
  @GoldenCases("core/attention")
  void equals_torch_with_repeated_heads(GoldenCase golden, Proof proof) {
    Tensor q = golden.tensor("q");
    Tensor k = golden.tensor("k");
    Tensor v = golden.tensor("v");
    var attention = ScaledDotProductTest.attention(golden, q.size(-1));
    var layer = new GroupedQuery(q.size(0), k.size(0), attention);
    var result = layer.result(q, k, v, golden.tensor("mask").neg().add(1));
    golden.expect("probs", result.weights(), proof);
    golden.expect("out", result.output(), proof);

    if (golden.text("mask").equals("padding")) return; // no interval of keys: the formula's alone
    int dim = Math.max(q.size(-1), v.size(-1)); // the kernels want one size: zeros add nothing
    Problem p = new Problem(layer, padded(q, dim), padded(k, dim), padded(v, dim), mask(golden));
    forms()
        .forEach(form -> {
          Tensor output = form.form().apply(p).slice(2, 0, v.size(-1));
          golden.expect("out", output, proof);
        });
  }

  private static Tensor padded(Tensor x, int dim) {
    return Tensor.concat(2, x, Tensor.zeros(x.size(0), x.size(1), dim - x.size(2)));
  }

  private static AttentionMask.Interval mask(GoldenCase golden) {
    return switch (golden.text("mask")) {
      case "none" -> new AttentionMask.Bidirectional();
      case "causal" -> CAUSAL;
      case "prefix" -> new AttentionMask.Prefix(golden.integer("prefix"));
      case "sliding" -> new AttentionMask.SlidingWindow(golden.integer("window"));
      default -> throw new IllegalArgumentException(golden.text("mask"));
    };
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    var attention = ScaledDotProduct.of(4);
    Refusal.of(() -> new GroupedQuery(6, 4, attention), "heads", "6", "4");
    Refusal.of(() -> new GroupedQuery(4, 0, attention), "keyValueHeads", "0");
    var layer = new GroupedQuery(4, 2, attention);
    Tensor q = Tensor.ones(4, 1, 4);
    Tensor k = Tensor.ones(2, 3, 4);
    Refusal.of(() -> layer.apply(k, k, k, CAUSAL), "q", "[2, 3, 4]", "4 heads");
    Refusal.of(() -> layer.apply(q, q, k, CAUSAL), "k", "[4, 1, 4]", "2 heads");
    Refusal.of(() -> layer.apply(Tensor.ones(4, 5, 4), k, k, CAUSAL), "[4, 5, 4]", "more queries");
    assertThat(layer.apply(Tensor.ones(4, 5, 4), k, k, Tensor.zeros(5, 3)).shape())
        .containsExactly(4, 5, 4); // two lengths, as in cross-attention
  }
}
