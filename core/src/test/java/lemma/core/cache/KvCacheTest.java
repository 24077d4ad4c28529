package lemma.core.cache;

import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.attention.AttentionKernel;
import lemma.core.attention.GroupedQuery;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.attention.VectorisedAttentionKernel;
import lemma.core.position.Rope;
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

@Proves("kv-cache")
class KvCacheTest {
  private static final double FLOAT = 5e-6; // rows, scores and weights each rounded to a float

  interface Form {
    CachedText open(CachedAttention layer);
  }

  record NamedForm(String name, Form form, double tolerance) {
    CachedText open(CachedAttention layer) {
      return form.open(layer);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<NamedForm> forms() {
    return Stream.of(
        new NamedForm("formula", FormulaText::new, 1e-13),
        new NamedForm("scalar", layer -> fast(layer, new AttentionKernel.Scalar()), FLOAT),
        new NamedForm("vectorised", layer -> fast(layer, new VectorisedAttentionKernel()), FLOAT));
  }

  private static CachedText fast(CachedAttention layer, AttentionKernel kernel) {
    int heads = layer.heads().keyValueHeads();
    var cache = new ContiguousKvCache(heads, layer.rope().headDim(), 1000);
    return new CachedText.Fast(layer, kernel, cache);
  }

  private static final class FormulaText implements CachedText {
    private final CachedAttention layer;
    private CachedAttention.Past past;

    FormulaText(CachedAttention layer) {
      this.layer = layer;
      past = layer.empty();
    }

    @Override
    public Tensor append(Tensor x) {
      var step = layer.apply(x, past);
      past = step.past();
      return step.output();
    }

    @Override
    public void rewind(int length) {
      past =
          new CachedAttention.Past(
              past.keys().slice(1, 0, length), past.values().slice(1, 0, length));
    }

    @Override
    public CachedAttention.Past past() {
      return past;
    }
  }

  private static CachedAttention layer(
      int heads, int keyValueHeads, int headDim, int dim, RandomGenerator random) {
    double scale = 1 / Math.sqrt(dim);
    return new CachedAttention(
        new GroupedQuery(heads, keyValueHeads, ScaledDotProduct.of(headDim)),
        Rope.llama(headDim, 10_000),
        Tensor.gaussian(random, heads * headDim, dim).mul(scale),
        Tensor.gaussian(random, keyValueHeads * headDim, dim).mul(scale),
        Tensor.gaussian(random, keyValueHeads * headDim, dim).mul(scale),
        Tensor.gaussian(random, dim, heads * headDim).mul(scale));
  }

  /// All tokens at once, nothing remembered.
  private static Tensor full(CachedAttention layer, Tensor x) {
    return layer.apply(x, layer.empty()).output();
  }

  private static Tensor rows(Tensor x, int from, int to) {
    return x.slice(0, from, to);
  }

  @Claim("recompute")
  @ParameterizedTest
  @MethodSource("forms")
  void every_step_equals_the_full_recompute_however_the_text_is_cut(NamedForm form, Proof proof) {
    RandomGenerator random = random(1);
    for (int[] heads : new int[][] {{4, 4}, {4, 2}, {4, 1}}) {
      CachedAttention layer = layer(heads[0], heads[1], 6, 20, random);
      Tensor x = Tensor.gaussian(random, 90, 20); // past the first room of 64
      double[] whole = full(layer, x).toArray();
      for (int trial = 0; trial < 3; trial++) {
        CachedText text = form.open(layer);
        for (int from = 0; from < 90; ) {
          int to = trial == 0 ? from + 1 : Math.min(90, from + random.nextInt(1, 40));
          double[] expected = Arrays.copyOfRange(whole, from * 20, to * 20);
          double[] got = text.append(rows(x, from, to)).toArray();
          proof.atMost("max |Δ|", gap(got, expected) / spread(whole), form.tolerance());
          from = to;
        }
      }
    }
  }

  private static double spread(double[] values) {
    return Arrays.stream(values).map(Math::abs).max().orElseThrow();
  }

  @Claim("work")
  @Test
  void multiply_adds_per_token_grow_linearly_with_a_cache_and_quadratically_without(Proof proof) {
    RandomGenerator random = random(2);
    int dim = 8;
    CachedAttention layer = layer(1, 1, dim, dim, random);
    Tensor x = Tensor.gaussian(random, 64, dim);
    Tensor expected = full(layer, x);
    var cached = new CountingLayer(layer);
    long total = 0;
    long totalWithout = 0;
    for (int n = 1; n <= 64; n++) {
      double[] wanted = rows(expected, n - 1, n).toArray();
      long before = cached.multiplyAdds;
      double[] output = cached.append(rows(x, n - 1, n));
      long work = cached.multiplyAdds - before;
      assertThat(work).isEqualTo(4L * dim * dim + 2L * n * dim);

      var without = new CountingLayer(layer);
      double[] again = without.append(rows(x, 0, n)); // the whole text anew for one token
      assertThat(without.multiplyAdds).isEqualTo(4L * n * dim * dim + (long) n * (n + 1) * dim);
      proof.atMost("max |Δ| of what was counted", gap(output, wanted), 1e-13);
      proof.atMost("max |Δ| of what was counted", gap(again, wanted), 1e-13);
      total += work;
      totalWithout += without.multiplyAdds;
    }
    proof.atLeast("work saved over 64 tokens, times", (double) totalWithout / total, 20);
  }

  /// A layer of one head in plain loops that counts what it multiplies.
  private static final class CountingLayer {
    private final CachedAttention layer;
    private final List<double[]> keys = new ArrayList<>();
    private final List<double[]> values = new ArrayList<>();
    private long multiplyAdds;

    CountingLayer(CachedAttention layer) {
      this.layer = layer;
    }

    /// Takes the tokens in and gives the output of the last.
    double[] append(Tensor x) {
      double[] output = new double[0];
      for (int t = 0; t < x.size(0); t++) {
        double[] token = rows(x, t, t + 1).toArray();
        double[] q = rotated(times(layer.queryWeight(), token), keys.size());
        keys.add(rotated(times(layer.keyWeight(), token), keys.size()));
        values.add(times(layer.valueWeight(), token));
        double[] scores = keys.stream().mapToDouble(key -> dot(q, key)).toArray();
        for (int j = 0; j < scores.length; j++) scores[j] /= Math.sqrt(q.length);
        double[] weights = Tensor.vector(scores).softmax(0).toArray();
        double[] mixed = new double[q.length];
        for (int d = 0; d < mixed.length; d++) {
          int column = d;
          mixed[d] = dot(weights, values.stream().mapToDouble(v -> v[column]).toArray());
        }
        output = times(layer.outputWeight(), mixed);
      }
      return output;
    }

    private double[] rotated(double[] row, int position) {
      return layer.rope().apply(Tensor.of(row, 1, row.length), position).toArray();
    }

    private double[] times(Tensor weight, double[] x) {
      double[] y = new double[weight.size(0)];
      for (int i = 0; i < y.length; i++) y[i] = dot(rows(weight, i, i + 1).toArray(), x);
      return y;
    }

    private double dot(double[] a, double[] b) {
      multiplyAdds += a.length;
      double sum = 0;
      for (int i = 0; i < a.length; i++) sum += a[i] * b[i];
      return sum;
    }
  }

  @Claim("bytes")
  @Test
  void a_cache_holds_the_bytes_of_the_formula_and_they_grow_with_the_text() {
    var size = new KvCacheSize(3, 2, 5, Float.BYTES);
    long held = 0;
    for (int layer = 0; layer < 3; layer++) {
      var cache = new ContiguousKvCache(2, 5, 100);
      long empty = cache.bytes();
      cache.append(new float[1000], new float[1000], 100);
      assertThat(cache.bytes()).isGreaterThan(empty);
      held += cache.bytes();
    }
    assertThat(held).isEqualTo(size.bytes(100, 1)).isEqualTo(3 * 2 * 2 * 5 * 4 * 100);
    assertThat(size.bytes(200, 7)).isEqualTo(14 * size.bytes(100, 1));
  }

  @Claim("no-query")
  @Test
  void what_is_kept_does_not_depend_on_the_queries_and_old_queries_are_never_read() {
    RandomGenerator random = random(3);
    CachedAttention layer = layer(4, 2, 4, 12, random);
    var otherQueries =
        new CachedAttention(
            layer.heads(),
            layer.rope(),
            Tensor.gaussian(random, 16, 12),
            layer.keyWeight(),
            layer.valueWeight(),
            layer.outputWeight());
    Tensor x = Tensor.gaussian(random, 9, 12);
    var past = layer.apply(rows(x, 0, 8), layer.empty()).past();
    var strange = otherQueries.apply(rows(x, 0, 8), layer.empty()).past();
    double[] newest = layer.apply(rows(x, 8, 9), past).output().toArray();
    assertThat(layer.apply(rows(x, 8, 9), strange).output().toArray()).isEqualTo(newest);
    assertThat(otherQueries.apply(rows(x, 8, 9), past).output().toArray()).isNotEqualTo(newest);
  }

  @Claim("position")
  @Test
  void the_same_token_at_another_position_has_another_key(Proof proof) {
    RandomGenerator random = random(4);
    CachedAttention first = layer(2, 2, 4, 8, random);
    CachedAttention second = layer(2, 2, 4, 8, random);
    Tensor token = Tensor.gaussian(random, 1, 8);
    Tensor x = Tensor.concat(0, token, Tensor.gaussian(random, 2, 8), token); // at 0 and at 3
    var one = first.apply(x, first.empty());
    var two = second.apply(x.add(one.output()), second.empty());
    proof.atLeast("layer 1: key gap", gapOf(one.past().keys(), 0, 3), 0.1);
    proof.atLeast("layer 2: key gap", gapOf(two.past().keys(), 0, 3), 0.1);
    proof.atLeast("layer 2: value gap", gapOf(two.past().values(), 0, 3), 0.1);

    // A cache looked up by equal inputs would take position 0's key for position 3.
    Tensor k = one.past().keys();
    var mistaken =
        new CachedAttention.Past(
            Tensor.concat(1, k.slice(1, 0, 3), k.slice(1, 0, 1)), one.past().values());
    Tensor next = Tensor.gaussian(random, 1, 8);
    proof.atLeast(
        "error of the next output",
        relativeGap(
            first.apply(next, mistaken).output().toArray(),
            first.apply(next, one.past()).output().toArray()),
        0.01);
  }

  private static double gapOf(Tensor rows, int a, int b) {
    return gap(rows.slice(1, a, a + 1).toArray(), rows.slice(1, b, b + 1).toArray());
  }

  @Claim("rewind")
  @ParameterizedTest
  @MethodSource("forms")
  void after_a_rewind_the_text_goes_on_as_if_the_rest_had_never_been(NamedForm form) {
    RandomGenerator random = random(5);
    CachedAttention layer = layer(4, 2, 6, 10, random);
    Tensor kept = Tensor.gaussian(random, 50, 10);
    Tensor dropped = Tensor.gaussian(random, 40, 10);
    Tensor next = Tensor.gaussian(random, 30, 10);
    CachedText straight = form.open(layer);
    straight.append(kept);
    CachedText detour = form.open(layer);
    detour.append(kept);
    detour.append(dropped);
    detour.rewind(50);
    assertThat(detour.append(next).toArray()).isEqualTo(straight.append(next).toArray());
    assertThat(detour.past().keys().toArray()).isEqualTo(straight.past().keys().toArray());
  }

  @Claim("shared-prefix")
  @Test
  void two_texts_may_go_on_from_the_past_of_their_common_prefix(Proof proof) {
    RandomGenerator random = random(6);
    CachedAttention layer = layer(4, 2, 4, 12, random);
    Tensor prefix = Tensor.gaussian(random, 30, 12);
    var past = layer.apply(prefix, layer.empty()).past(); // computed once
    for (int text = 0; text < 3; text++) {
      Tensor rest = Tensor.gaussian(random, 5, 12);
      Tensor whole = full(layer, Tensor.concat(0, prefix, rest));
      double[] shared = layer.apply(rest, past).output().toArray();
      proof.atMost("max |Δ|", relativeGap(shared, rows(whole, 30, 35).toArray()), 1e-13);
    }
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("forms")
  void every_form_keeps_the_same_rows_and_gives_the_same_outputs(NamedForm form, Proof proof) {
    RandomGenerator random = random(7);
    for (int headDim : new int[] {2, 16, 34}) {
      CachedAttention layer = layer(6, 3, headDim, 24, random);
      Tensor x = Tensor.gaussian(random, 140, 24);
      CachedText formula = new FormulaText(layer);
      CachedText text = form.open(layer);
      for (int[] part : new int[][] {{0, 64}, {64, 65}, {65, 139}, {139, 140}}) {
        Tensor tokens = rows(x, part[0], part[1]);
        double[] expected = formula.append(tokens).toArray();
        double[] got = text.append(tokens).toArray();
        proof.atMost("max |Δ|", relativeGap(got, expected), form.tolerance());
      }
      proof.atMost(
          "max |Δ| of what is kept",
          Math.max(
              relativeGap(text.past().keys().toArray(), formula.past().keys().toArray()),
              relativeGap(text.past().values().toArray(), formula.past().values().toArray())),
          1e-7); // half a unit in the last place of a float
    }
  }

  @Claim("parity")
  @GoldenCases("core/kv-cache")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    int headDim = golden.integer("head_dim");
    var layer =
        new CachedAttention(
            new GroupedQuery(
                golden.integer("heads"), golden.integer("kv_heads"), ScaledDotProduct.of(headDim)),
            Rope.llama(headDim, golden.number("theta")),
            golden.tensor("q_proj"),
            golden.tensor("k_proj"),
            golden.tensor("v_proj"),
            golden.tensor("o_proj"));
    Tensor x = golden.tensor("x");
    golden.expect("full_out", full(layer, x), proof);
    forms()
        .forEach(form -> {
          CachedText text = form.open(layer);
          Tensor[] outputs = new Tensor[golden.params().path("chunks").size()];
          int from = 0;
          for (int i = 0; i < outputs.length; i++) {
            int chunk = golden.params().path("chunks").get(i).asInt();
            outputs[i] = text.append(rows(x, from, from + chunk));
            from += chunk;
          }
          golden.expect("step_out", Tensor.concat(0, outputs), proof);
          golden.expect("cache_k", text.past().keys(), proof);
          golden.expect("cache_v", text.past().values(), proof);
        });
  }

  /// The other kinds of the family speak of weights, optimisers and operations.
  @Claim("bytes")
  @GoldenCases(value = "core/memory-arithmetic", where = "kind", in = "kv-cache")
  void bytes_equal_those_of_published_models(GoldenCase golden, Proof proof) {
    var size =
        new KvCacheSize(
            golden.integer("layers"),
            golden.integer("kv_heads"),
            golden.integer("head_dim"),
            golden.integer("bytes_per_value"));
    golden.expect("bytes_per_token", size.bytesPerToken(), proof);
    golden.expect(
        "total_bytes",
        size.bytes((long) golden.number("tokens"), (long) golden.number("batch")),
        proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    var cache = new ContiguousKvCache(2, 3, 4);
    float[] rows = floats(gaussian(30, random(8)));
    cache.append(rows, rows, 3);
    Refusal.of(() -> cache.append(rows, rows, 2), "tokens", "2", "3 of 4");
    Refusal.of(() -> cache.append(rows, rows, 0), "tokens", "0");
    assertThat(cache.length()).isEqualTo(3);
    Refusal.of(() -> cache.rewind(4), "length", "4", "3");
    Refusal.of(() -> cache.rewind(-1), "length", "-1");
    Refusal.of(() -> new ContiguousKvCache(0, 3, 4), "heads", "0");
    Refusal.of(() -> new ContiguousKvCache(1 << 15, 1 << 15, 1 << 15), "fit", "32768");
    Refusal.of(() -> new KvCacheSize(1, 1, 0, 2), "headDim", "0");
    Refusal.of(() -> new KvCacheSize(1, 1, 1, 2).bytes(-1, 1), "tokens", "-1");
    CachedAttention layer = layer(2, 1, 4, 6, random(9));
    Refusal.of(() -> layer.apply(Tensor.ones(2, 5), layer.empty()), "x", "6", "[2, 5]");
    Refusal.of(() -> layer.apply(Tensor.zeros(0, 6), layer.empty()), "x", "[0, 6]");
    Refusal.of(
        () ->
            new CachedAttention(
                layer.heads(),
                layer.rope(),
                layer.queryWeight(),
                layer.queryWeight(),
                layer.valueWeight(),
                layer.outputWeight()),
        "keyWeight",
        "4");
  }
}
