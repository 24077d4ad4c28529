package lemma.core.attention;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.attention.AttentionForms.NamedForm;
import lemma.core.attention.AttentionForms.Problem;
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
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

@Proves("scaled-dot-product")
class ScaledDotProductTest {
  private static final AttentionMask.Interval ALL = new AttentionMask.Bidirectional();

  static Stream<NamedForm> forms() {
    return AttentionForms.all();
  }

  @Claim("variance")
  @ParameterizedTest
  @ValueSource(ints = {16, 64, 256})
  void logits_of_unit_vectors_have_variance_d_and_with_the_scale_1(int d, Proof proof) {
    RandomGenerator random = random(1);
    int n = 300; // n² logits, of which about n are independent for each key: error near 2 %
    Tensor dots = Tensor.gaussian(random, n, d).matmulTransposed(Tensor.gaussian(random, n, d));
    double variance = dots.variance().item();
    proof.atMost("|variance / d − 1| without the scale", Math.abs(variance / d - 1), 0.05);
    double scale = ScaledDotProduct.of(d).scale();
    double scaled = dots.mul(scale).variance().item();
    proof.atMost("|variance − 1| with the scale", Math.abs(scaled - 1), 0.05);
  }

  @Claim("saturation")
  @Test
  void without_the_scale_softmax_saturates_and_its_gradient_shrinks(Proof proof) {
    int d = 256;
    int keys = 64; // ln 64 = 4.16 nats is the most that an entropy can be
    Saturation scaled = Saturation.of(ScaledDotProduct.of(d), d, keys);
    Saturation raw = Saturation.of(new ScaledDotProduct(1, Double.POSITIVE_INFINITY), d, keys);
    proof.atLeast("entropy with 1/√d, nats", scaled.entropy(), 3.3);
    proof.atMost("entropy without, nats", raw.entropy(), 0.6);
    proof.atMost("largest weight with 1/√d", scaled.largest(), 0.25);
    proof.atLeast("largest weight without", raw.largest(), 0.8);
    proof.atLeast("median gradient norm, with over without", scaled.gradient() / raw.gradient(), 5);
  }

  /// Mean entropy and largest weight of softmax rows, and the median norm of their Jacobians.
  private record Saturation(double entropy, double largest, double gradient) {
    static Saturation of(ScaledDotProduct attention, int d, int keys) {
      RandomGenerator random = random(2);
      Tensor q = Tensor.gaussian(random, 200, d);
      Tensor k = Tensor.gaussian(random, keys, d);
      Tensor weights = attention.apply(q, k, Tensor.zeros(keys, 1)).weights();
      double entropy = 0;
      double largest = 0;
      double[] norms = new double[200];
      for (int i = 0; i < 200; i++) {
        double squares = 0;
        for (int a = 0; a < keys; a++) {
          double p = weights.get(i, a);
          if (p > 0) entropy -= p * Math.log(p) / 200;
          for (int b = 0; b < keys; b++) {
            double entry = (a == b ? p : 0) - p * weights.get(i, b); // ∂pₐ/∂s_b
            squares += entry * entry;
          }
        }
        norms[i] = Math.sqrt(squares);
        largest += weights.select(0, i).max().item() / 200;
      }
      Arrays.sort(norms);
      return new Saturation(entropy, largest, norms[100]);
    }
  }

  @Claim("weighted-mean")
  @Test
  void weights_are_positive_and_sum_to_one_so_outputs_stay_among_the_values(Proof proof) {
    RandomGenerator random = random(3);
    Tensor v = Tensor.gaussian(random, 7, 5);
    var result =
        ScaledDotProduct.of(5)
            .apply(Tensor.gaussian(random, 20, 5), Tensor.gaussian(random, 7, 5), v);
    assertThat(Arrays.stream(result.weights().toArray())).allMatch(weight -> weight > 0);
    double[] sums = result.weights().sum(LAST, false).toArray();
    for (double sum : sums) proof.atMost("|Σ weights − 1|", Math.abs(sum - 1), 1e-14);
    for (int column = 0; column < 5; column++) {
      double[] values = v.slice(1, column, column + 1).toArray();
      double low = Arrays.stream(values).min().orElseThrow();
      double high = Arrays.stream(values).max().orElseThrow();
      assertThat(Arrays.stream(result.output().slice(1, column, column + 1).toArray()))
          .allMatch(value -> low <= value && value <= high);
    }
  }

  @Claim("permutation")
  @ParameterizedTest
  @MethodSource("forms")
  void the_order_of_keys_and_values_makes_no_difference(NamedForm form, Proof proof) {
    RandomGenerator random = random(4);
    int[] order = {4, 0, 6, 2, 5, 1, 3};
    for (int trial = 0; trial < 20; trial++) {
      Problem p = Problem.random(4, 2, 3, 7, 16, ALL, random);
      Problem permuted = p.with(rowsOf(p.k(), order), rowsOf(p.v(), order));
      proof.atMost("max |Δ|", relativeGap(form.apply(permuted), form.apply(p)), form.tolerance());
    }
  }

  private static Tensor rowsOf(Tensor x, int[] order) {
    return Tensor.concat(
        1, Arrays.stream(order).mapToObj(j -> x.slice(1, j, j + 1)).toArray(Tensor[]::new));
  }

  @Claim("shift")
  @ParameterizedTest
  @MethodSource("forms")
  void a_vector_added_to_every_key_makes_no_difference(NamedForm form, Proof proof) {
    RandomGenerator random = random(5);
    for (int trial = 0; trial < 20; trial++) {
      Problem p = Problem.random(2, 2, 3, 9, 20, ALL, random);
      Tensor shift = Tensor.gaussian(random, 20);
      Problem shifted = p.with(p.k().add(shift), p.v());
      proof.atMost(
          "max |Δ|", relativeGap(form.apply(shifted), form.apply(p)), 2 * form.tolerance());
    }
  }

  @Claim("hidden-key")
  @ParameterizedTest
  @MethodSource("forms")
  void a_hidden_key_takes_no_part(NamedForm form) {
    RandomGenerator random = random(6);
    for (int keys : new int[] {5, 64, 100}) {
      Problem p = Problem.random(4, 2, 2, keys, 8, new AttentionMask.SlidingWindow(3), random);
      Tensor keep = Tensor.ones(2, keys, 8).sub(spike(2, keys, 8));
      Tensor loud = spike(2, keys, 8).mul(30);
      Problem changed = p.with(p.k().mul(keep).add(loud), p.v().mul(keep).add(loud));
      assertThat(form.apply(changed)).isEqualTo(form.apply(p)); // exactly
    }
  }

  /// 1 in the first key of every head, which a window of 3 hides from the last two queries of 5.
  private static Tensor spike(int heads, int keys, int headDim) {
    double[] values = new double[heads * keys * headDim];
    for (int head = 0; head < heads; head++)
      Arrays.fill(values, head * keys * headDim, head * keys * headDim + headDim, 1);
    return Tensor.of(values, heads, keys, headDim);
  }

  @Claim("hidden-row")
  @Test
  void a_query_that_may_look_at_no_key_gives_zero_and_no_gradient() {
    RandomGenerator random = random(7);
    Tensor q = Tensor.gaussian(random, 2, 4).parameter();
    Tensor k = Tensor.gaussian(random, 3, 4).parameter();
    Tensor v = Tensor.gaussian(random, 3, 4).parameter();
    Tensor hidden = Tensor.of(new double[] {1, 1, 1, 0, 0, 1}, 2, 3); // all keys from query 0
    var result = ScaledDotProduct.of(4).apply(q, k, v, hidden);
    assertThat(result.output().slice(0, 0, 1).toArray()).containsOnly(0);
    assertThat(result.weights().slice(0, 0, 1).toArray()).containsOnly(0);
    var alone = ScaledDotProduct.of(4).apply(q, k, v, hidden.slice(0, 1, 2));
    assertThat(result.output().slice(0, 1, 2).toArray())
        .isEqualTo(alone.output().slice(0, 1, 2).toArray());
    var gradients = result.output().square().sum().backward();
    assertThat(gradients.of(q).slice(0, 0, 1).toArray()).containsOnly(0);
    assertThat(gradients.of(k).toArray()).doesNotContain(Double.NaN);
    assertThat(gradients.of(v).toArray()).doesNotContain(Double.NaN);
  }

  @Claim("hidden-row")
  @Test
  void the_fast_forms_give_zero_there_too() {
    var layer = new GroupedQuery(4, 2, ScaledDotProduct.of(3));
    var nothing = new KeyValues.Arrays(new float[0], new float[0], 2, 0, 3);
    for (AttentionKernel kernel :
        List.of(new AttentionKernel.Scalar(), AttentionForms.vectorised())) {
      float[] output = floats(gaussian(12, random(8)));
      kernel.apply(layer, ALL, floats(gaussian(12, random(9))), 1, nothing, output);
      assertThat(output).containsOnly(0);
    }
    assertThat(OnlineSoftmax.start(2).absorb(hiddenScores(3), new double[3][2]).result())
        .containsOnly(0);
    try (INDArray x = Nd4j.ones(1, 2, 3);
        INDArray hidden = Nd4j.ones(1, 2, 2);
        INDArray output = new ScaledDotProductNd4j(1).apply(x, x, x, hidden)) {
      assertThat(output.data().asDouble()).containsOnly(0);
    }
  }

  private static double[] hiddenScores(int count) {
    double[] scores = new double[count];
    Arrays.fill(scores, Double.NEGATIVE_INFINITY);
    return scores;
  }

  @Claim("stable")
  @ParameterizedTest
  @MethodSource("forms")
  void scores_in_the_ten_thousands_do_not_overflow(NamedForm form, Proof proof) {
    RandomGenerator random = random(10);
    for (int keys : new int[] {3, 64, 130}) {
      Problem p = Problem.random(4, 2, 1, keys, 16, ALL, random);
      Problem large = p.with(p.k().mul(1e4), p.v());
      double[] output = form.apply(large);
      assertThat(Arrays.stream(output)).allMatch(Double::isFinite);
      // A float score near 3·10⁴ is off by a few 10⁻³, which shows where two keys nearly tie.
      double[] expected = AttentionForms.formula(large).toArray();
      proof.atMost("max |Δ|", relativeGap(output, expected), 1e-2);
    }
  }

  @Claim("online")
  @Test
  void one_pass_over_blocks_of_any_size_gives_the_same_result(Proof proof) {
    RandomGenerator random = random(11);
    double[] scores = gaussian(100, random);
    double[][] values = new double[100][3];
    for (double[] value : values) Arrays.setAll(value, i -> random.nextGaussian());
    Tensor twoPass = Tensor.of(scores, 1, 100).softmax(LAST).matmul(Tensor.of(values)); // [1, 3]
    for (int block = 1; block <= 100; block++) {
      var state = OnlineSoftmax.start(3);
      for (int from = 0; from < 100; from += block) {
        int to = Math.min(100, from + block);
        state =
            state.absorb(
                Arrays.copyOfRange(scores, from, to), Arrays.copyOfRange(values, from, to));
      }
      proof.atMost("max |Δ|", gap(state.result(), twoPass.toArray()), 1e-14);
    }
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("forms")
  void every_form_agrees_with_the_formula(NamedForm form, Proof proof) {
    RandomGenerator random = random(12);
    int[][] heads = {{1, 1}, {2, 1}, {4, 4}, {4, 1}, {6, 2}, {12, 3}};
    for (int headDim : new int[] {1, 4, 15, 16, 17, 33, 64, 80, 128})
      for (int keys : new int[] {1, 2, 63, 64, 65, 131})
        for (int queries : new int[] {1, 2, 5}) {
          if (queries > keys) continue;
          int[] h = heads[random.nextInt(heads.length)];
          var masks = AttentionForms.masks();
          var mask = masks.get(random.nextInt(masks.size()));
          Problem p = Problem.random(h[0], h[1], queries, keys, headDim, mask, random);
          proof.atMost(
              "max |Δ|",
              relativeGap(form.apply(p), AttentionForms.formula(p).toArray()),
              form.tolerance());
        }
  }

  @Claim("agreement")
  @Test
  void the_kernels_agree_over_blocks_in_any_order_and_heads_in_parts(Proof proof) {
    RandomGenerator random = random(13);
    for (AttentionKernel kernel :
        List.of(new AttentionKernel.Scalar(), AttentionForms.vectorised()))
      for (var mask : AttentionForms.masks())
        for (int size : new int[] {1, 16, 70}) {
          Problem p = Problem.random(8, 2, 3, 100, 24, mask, random);
          double[] expected = AttentionForms.formula(p).toArray();
          var whole = (KeyValues.Arrays) AttentionForms.keyValues(p);
          var pages = new AttentionForms.Pages(whole, size);
          proof.atMost(
              "max |Δ| over pages",
              relativeGap(AttentionForms.kernel(kernel, p, pages).toArray(), expected),
              AttentionForms.FLOAT);
          float[] q = floats(p.q().transpose(0, 1).toArray());
          float[] parts = new float[q.length];
          for (int[] range : new int[][] {{0, 3}, {3, 4}, {4, 8}})
            kernel.apply(p.layer(), mask, q, 3, whole, parts, range[0], range[1]);
          Tensor joined = Tensor.of(doubles(parts), 3, 8, 24).transpose(0, 1);
          assertThat(joined.toArray()) // to the bit
              .isEqualTo(AttentionForms.kernel(kernel, p, whole).toArray());
        }
  }

  @Claim("parity")
  @GoldenCases("core/attention")
  void equals_torch(GoldenCase golden, Proof proof) {
    Tensor q = golden.tensor("q");
    int group = q.size(0) / golden.tensor("k").size(0);
    Tensor k = golden.tensor("k").repeat(0, group); // each head as often as it is shared
    Tensor v = golden.tensor("v").repeat(0, group);
    var result = attention(golden, q.size(LAST)).apply(q, k, v, golden.tensor("mask").neg().add(1));
    golden.expect("probs", result.weights(), proof);
    golden.expect("out", result.output(), proof);
  }

  static ScaledDotProduct attention(GoldenCase golden, int headDim) {
    double cap = golden.params().path("soft_cap").asDouble(Double.POSITIVE_INFINITY);
    double scale = golden.params().path("scale").asDouble(1 / Math.sqrt(headDim));
    return new ScaledDotProduct(scale, cap);
  }

  @Claim("parity")
  @GoldenCases("core/softmax")
  void softmax_equals_torch(GoldenCase golden, Proof proof) {
    Tensor x = golden.tensor("x").div(golden.number("temperature"));
    int axis = golden.integer("axis");
    golden.expect("softmax", x.softmax(axis), proof);
    golden.expect("log_softmax", x.logSoftmax(axis), proof);
    golden.expect("logsumexp", x.logSumExp(axis, false), proof);
  }

  @Claim("parity")
  @GoldenCases("core/online-softmax")
  void online_softmax_equals_the_derivation(GoldenCase golden, Proof proof) {
    double[] x = golden.doubles("x");
    Tensor v = golden.tensor("v");
    int block = golden.integer("block");
    int dim = v.size(1);
    int blocks = (x.length + block - 1) / block;
    double[] max = new double[blocks];
    double[] sum = new double[blocks];
    double[] mixed = new double[blocks * dim];
    var state = OnlineSoftmax.start(dim);
    for (int i = 0; i < blocks; i++) {
      int from = i * block;
      int to = Math.min(x.length, from + block);
      double[][] values = new double[to - from][];
      for (int j = from; j < to; j++) values[j - from] = v.slice(0, j, j + 1).toArray();
      state = state.absorb(Arrays.copyOfRange(x, from, to), values);
      max[i] = state.max();
      sum[i] = state.sum();
      System.arraycopy(state.mixed(), 0, mixed, i * dim, dim);
    }
    golden.expect("running_max", max, proof);
    golden.expect("running_sum", sum, proof);
    golden.expect("running_out", mixed, proof);
    golden.expect("softmax", Arrays.stream(x).map(state::weight).toArray(), proof);
    golden.expect("out", state.result(), proof);
  }

  @Claim("parity")
  @GoldenCases("core/mha-module")
  void multi_head_attention_equals_torch(GoldenCase golden, Proof proof) {
    var module =
        new MultiHeadAttention(
            golden.integer("heads"),
            golden.tensor("in_proj_weight"),
            golden.tensor("in_proj_bias"),
            golden.tensor("out_proj_weight"),
            golden.tensor("out_proj_bias"));
    Tensor hidden = Tensor.zeros(1, 1);
    for (String mask : List.of("attn_mask", "key_padding_mask"))
      if (golden.inputs().has(mask)) hidden = hidden.maximum(golden.tensor(mask));
    var result =
        module.apply(golden.tensor("query"), golden.tensor("key"), golden.tensor("value"), hidden);
    golden.expect("out", result.output(), proof);
    golden.expect("weights", result.weights().mean(0, false), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    var attention = ScaledDotProduct.of(4);
    Tensor x = Tensor.ones(2, 4);
    Refusal.of(() -> ScaledDotProduct.of(0), "headDim", "0");
    Refusal.of(() -> new ScaledDotProduct(Double.NaN, 1), "scale", "NaN");
    Refusal.of(() -> new ScaledDotProduct(1, 0), "softCap", "0");
    Refusal.of(() -> attention.apply(x, Tensor.ones(2, 3), x), "[2, 4]", "[2, 3]", "head sizes");
    Refusal.of(() -> attention.apply(x, x, Tensor.ones(3, 4)), "[3, 4]", "lengths");
    Refusal.of(() -> attention.apply(Tensor.ones(4), x, x), "q", "[4]");
    Refusal.of(
        () -> attention.apply(Tensor.ones(3, 4), x, x, new AttentionMask.Causal()),
        "[3, 4]",
        "more queries than keys");
    Refusal.of(() -> OnlineSoftmax.start(-1), "valueDim", "-1");
    Refusal.of(() -> OnlineSoftmax.start(2).absorb(new double[3], new double[2][2]), "3", "2");
    Refusal.of(
        () -> OnlineSoftmax.start(2).absorb(new double[1], new double[1][3]), "values[0]", "3");
    Tensor b = Tensor.ones(4);
    Refusal.of(
        () -> new MultiHeadAttention(3, Tensor.ones(12, 4), Tensor.ones(12), Tensor.ones(4, 4), b),
        "heads",
        "3");
    Refusal.of(
        () -> new MultiHeadAttention(2, Tensor.ones(8, 4), Tensor.ones(12), Tensor.ones(4, 4), b),
        "inWeight",
        "[8, 4]");
  }

  @Claim("bad-input")
  @Test
  void the_kernels_refuse_what_does_not_fit() {
    var layer = new GroupedQuery(4, 2, ScaledDotProduct.of(3));
    var past = new KeyValues.Arrays(new float[12], new float[12], 2, 2, 3);
    var causal = new AttentionMask.Causal();
    for (AttentionKernel kernel :
        List.of(new AttentionKernel.Scalar(), AttentionForms.vectorised())) {
      var mqa = new GroupedQuery(4, 1, ScaledDotProduct.of(3));
      float[] rows = new float[36];
      Refusal.of(() -> kernel.apply(mqa, causal, rows, 1, past, rows), "past", "2", "1");
      Refusal.of(() -> kernel.apply(layer, causal, rows, 3, past, rows), "3 queries", "2");
      assertThatThrownBy(() -> kernel.apply(layer, causal, new float[11], 1, past, rows))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> kernel.apply(layer, causal, rows, 1, past, rows, 2, 5))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
    Refusal.of(() -> new KeyValues.Arrays(new float[3], new float[4], 1, 1, 4), "keys", "3");
    Refusal.of(() -> new KeyValues.Arrays(new float[0], new float[0], 0, 1, 4), "heads", "0");
  }
}
