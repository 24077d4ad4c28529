package lemma.core.position;

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
import java.util.OptionalDouble;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lemma.core.position.Rope.Layout;
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
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

@Proves("rope")
class RopeTest {
  private static final double FLOAT = 5e-7; // a rounded cosine and three more roundings of 6e-8

  /// One form of the technique, on `x [time, heads, headDim]`.
  interface Form {
    double[] apply(Rope rope, double[] x, int heads, int... positions);
  }

  record NamedForm(String name, Form form, double tolerance) {
    double[] apply(Rope rope, double[] x, int position) {
      return form.apply(rope, x, 1, position);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<NamedForm> forms() {
    return Stream.of(
        new NamedForm("formula", RopeTest::formula, 1e-14),
        new NamedForm("scalar", kernel(new RopeKernel.Scalar()), FLOAT),
        new NamedForm("vectorised", kernel(new RopeKernel.Vectorised()), FLOAT),
        new NamedForm("nd4j", RopeTest::nd4j, FLOAT));
  }

  private static double[] formula(Rope rope, double[] x, int heads, int... positions) {
    Tensor rows = Tensor.of(x, positions.length, heads, rope.headDim());
    return rope.apply(rows.transpose(0, 1), positions).transpose(0, 1).toArray();
  }

  private static Form kernel(RopeKernel kernel) {
    return (rope, x, heads, positions) -> {
      int longest = Arrays.stream(positions).max().orElseThrow();
      RopeTable table = RopeTable.of(rope, longest + 1);
      float[] y = floats(x);
      for (int t = 0; t < positions.length; t++)
        kernel.rotate(table, y, t * heads * rope.headDim(), heads, positions[t]);
      return doubles(y);
    };
  }

  private static double[] nd4j(Rope rope, double[] x, int heads, int... positions) {
    int[] each =
        IntStream.range(0, positions.length * heads).map(row -> positions[row / heads]).toArray();
    try (INDArray rows = Nd4j.create(floats(x), new int[] {each.length, rope.headDim()}, 'c');
        INDArray y = new RopeNd4j(rope).apply(rows, each)) {
      return y.data().asDouble();
    }
  }

  private static Rope rope(int headDim, Layout layout) {
    return new Rope(headDim, headDim, 10_000, layout, new RopeScaling.None());
  }

  private static double dot(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
  }

  private static double norm(double[] a) {
    return Math.sqrt(dot(a, a));
  }

  private static double[] at(double[] values, int[] order) {
    return Arrays.stream(order).mapToDouble(i -> values[i]).toArray();
  }

  @Claim("relative")
  @ParameterizedTest
  @MethodSource("forms")
  void score_depends_only_on_the_distance(NamedForm form, Proof proof) {
    RandomGenerator random = random(1);
    for (Layout layout : Layout.values())
      for (int headDim : new int[] {2, 6, 64, 128}) {
        Rope rope = rope(headDim, layout);
        double[] q = gaussian(headDim, random);
        double[] k = gaussian(headDim, random);
        for (int distance : new int[] {0, 1, 7, 100}) {
          double first = dot(form.apply(rope, q, distance), form.apply(rope, k, 0));
          for (int shift : new int[] {1, 2, 33, 500}) {
            double moved = dot(form.apply(rope, q, distance + shift), form.apply(rope, k, shift));
            proof.atMost(
                "change of the score / |q||k|",
                Math.abs(moved - first) / (norm(q) * norm(k)),
                Math.max(form.tolerance(), 1e-13)); // angles of 500 are known to 1e-13
          }
        }
      }
  }

  @Claim("norms")
  @ParameterizedTest
  @MethodSource("forms")
  void rotation_keeps_the_length(NamedForm form, Proof proof) {
    RandomGenerator random = random(2);
    for (Layout layout : Layout.values())
      for (int headDim : new int[] {2, 10, 128}) {
        double[] x = gaussian(headDim, random);
        for (int position : new int[] {1, 17, 4095})
          proof.atMost(
              "relative change of |x|",
              Math.abs(norm(form.apply(rope(headDim, layout), x, position)) / norm(x) - 1),
              form.tolerance());
      }
  }

  @Claim("identity")
  @ParameterizedTest
  @MethodSource("forms")
  void position_0_changes_nothing(NamedForm form) {
    for (Layout layout : Layout.values()) {
      double[] x = doubles(floats(gaussian(64, random(3))));
      assertThat(form.apply(rope(64, layout), x, 0)).isEqualTo(x);
    }
  }

  @Claim("layouts")
  @ParameterizedTest
  @MethodSource("forms")
  void layouts_are_one_permutation_apart(NamedForm form, Proof proof) {
    RandomGenerator random = random(4);
    for (int rotaryDim : new int[] {2, 8, 64, 100}) {
      Rope halves = new Rope(100, rotaryDim, 1e4, Layout.HALVES, new RopeScaling.None());
      Rope interleaved = new Rope(100, rotaryDim, 1e4, Layout.INTERLEAVED, new RopeScaling.None());
      int[] order = interleaved.halvesOrder();
      double[] x = gaussian(100, random);
      double[] permuted = at(form.apply(interleaved, x, 9), order);
      double[] expected = form.apply(halves, at(x, order), 9);
      proof.atMost("max |Δ|", relativeGap(permuted, expected), form.tolerance());
      if (rotaryDim > 2) // the wrong layout is silently wrong
      proof.atLeast(
            "gap without the permutation",
            relativeGap(form.apply(interleaved, x, 9), form.apply(halves, x, 9)),
            0.1);
    }
    Rope rope = rope(6, Layout.HALVES);
    Tensor weight = Tensor.gaussian(random, 18, 5);
    assertThat(rope.toInterleaved(rope.toHalves(weight)).toArray()).isEqualTo(weight.toArray());
  }

  @Claim("inverse")
  @Test
  void gradient_is_the_rotation_backwards(Proof proof) {
    RandomGenerator random = random(5);
    for (Layout layout : Layout.values()) {
      Rope rope = new Rope(10, 6, 10_000, layout, new RopeScaling.None());
      int[] positions = {3, 0, 12};
      int[] backwards = {-3, 0, -12};
      Tensor x = Tensor.gaussian(random, 2, 3, 10).parameter();
      Tensor upstream = Tensor.gaussian(random, 2, 3, 10);
      Tensor y = rope.apply(x, positions);
      proof.atMost(
          "max |Δ|",
          Math.max(
              gap(rope.apply(y, backwards).toArray(), x.toArray()),
              gap(y.backward(upstream).of(x).toArray(), rope.apply(upstream, backwards).toArray())),
          1e-14);
    }
  }

  @Claim("decay")
  @Test
  void expected_score_of_a_vector_with_itself_falls_with_the_distance(Proof proof) {
    Rope rope = Rope.llama(128, 10_000);
    int draws = 4000;
    Tensor q = Tensor.gaussian(random(6), draws, 1, 128);
    for (int distance : new int[] {0, 1, 4, 30, 200, 3000}) {
      double mean = rope.apply(q, distance).mul(q).sum().item() / (128.0 * draws);
      proof.atMost( // one draw deviates by at most 1/8, the mean of 4000 by 0.002
          "|mean of random draws − expected score|",
          Math.abs(mean - rope.expectedScore(distance)),
          0.01);
    }
    double previous = rope.expectedScore(0);
    assertThat(previous).isEqualTo(1);
    for (int from = 1; from < 1 << 14; from *= 2) {
      double octave =
          IntStream.range(from, 2 * from).mapToDouble(rope::expectedScore).average().orElseThrow();
      proof.atLeast("fall from octave to octave", previous - octave, 0.02);
      previous = octave;
    }
  }

  @Claim("no-guarantee")
  @Test
  void single_score_may_grow_and_unrelated_vectors_show_no_decay(Proof proof) {
    Rope rope = Rope.llama(64, 10_000);
    double[] fast = new double[64];
    fast[0] = 1; // all in the pair that turns by one radian a step
    Tensor q = Tensor.of(fast, 1, 64);
    double near = rope.apply(q, 1).mul(q).sum().item();
    double far = rope.apply(q, 44).mul(q).sum().item(); // seven turns, all but 0.018 rad
    proof.atLeast("score at 44 − score at 1", far - near, 0.4);

    RandomGenerator random = random(7);
    Tensor manyQ = Tensor.gaussian(random, 4000, 1, 64);
    Tensor manyK = Tensor.gaussian(random, 4000, 1, 64);
    for (int distance : new int[] {0, 5, 500}) // one draw deviates by 1/8, 4000 by 0.002
    proof.atMost(
          "|mean score of independent vectors|",
          Math.abs(rope.apply(manyQ, distance).mul(manyK).sum().item() / (64 * 4000)),
          0.01);
  }

  @Claim("embedding")
  @Test
  void rotating_the_embedding_instead_of_q_and_k_is_not_relative(Proof proof) {
    RandomGenerator random = random(8);
    Rope rope = Rope.llama(16, 10_000);
    Tensor x = Tensor.gaussian(random, 1, 16);
    Tensor y = Tensor.gaussian(random, 1, 16);
    Tensor queryWeight = Tensor.gaussian(random, 16, 16).mul(0.25);
    Tensor keyWeight = Tensor.gaussian(random, 16, 16).mul(0.25);
    double[] onProjections = new double[50];
    double[] onEmbedding = new double[50];
    for (int n = 0; n < 50; n++) { // always three apart
      Tensor q = rope.apply(x.matmul(queryWeight), n + 3);
      Tensor k = rope.apply(y.matmul(keyWeight), n);
      onProjections[n] = q.matmulTransposed(k).item();
      Tensor early = rope.apply(x, n + 3).matmul(queryWeight);
      onEmbedding[n] = early.matmulTransposed(rope.apply(y, n).matmul(keyWeight)).item();
    }
    double size = x.matmul(queryWeight).square().sum().sqrt().item();
    proof.atMost("spread of the score, q and k rotated", spread(onProjections), 1e-12 * size);
    proof.atLeast("spread of the score, embedding rotated", spread(onEmbedding), 0.5 * size);
  }

  private static double spread(double[] values) {
    return Arrays.stream(values).max().orElseThrow() - Arrays.stream(values).min().orElseThrow();
  }

  @Claim("values")
  @Test
  void values_stay_free_of_position_only_if_they_are_not_rotated(Proof proof) {
    RandomGenerator random = random(9);
    Rope rope = Rope.llama(16, 10_000);
    Tensor q = Tensor.gaussian(random, 4, 16);
    Tensor k = Tensor.gaussian(random, 4, 16);
    Tensor v = Tensor.gaussian(random, 4, 16);
    int[] here = {0, 1, 2, 3};
    int[] shifted = {90, 91, 92, 93};
    proof.atMost(
        "change under a shift of the text",
        gap(
            mix(rope.apply(q, here), rope.apply(k, here), v),
            mix(rope.apply(q, shifted), rope.apply(k, shifted), v)),
        1e-12);
    proof.atLeast(
        "the same with rotated values",
        gap(
            mix(rope.apply(q, here), rope.apply(k, here), rope.apply(v, here)),
            mix(rope.apply(q, shifted), rope.apply(k, shifted), rope.apply(v, shifted))),
        0.1);
  }

  private static double[] mix(Tensor q, Tensor k, Tensor v) {
    return q.matmulTransposed(k).softmax(LAST).matmul(v).toArray();
  }

  @Claim("axial")
  @Test
  void axial_score_depends_on_the_difference_of_rows_and_of_columns(Proof proof) {
    AxialRope rope = AxialRope.flux(10_000, 4, 6, 6);
    RandomGenerator random = random(10);
    Tensor q = Tensor.gaussian(random, 1, 16);
    Tensor k = Tensor.gaussian(random, 1, 16);
    double first = axialScore(rope, q, new int[] {0, 3, 1}, k, new int[] {0, 0, 5});
    for (int down = 0; down < 8; down++)
      for (int right = 0; right < 8; right++)
        proof.atMost(
            "change when both patches move",
            Math.abs(
                axialScore(
                        rope,
                        q,
                        new int[] {0, 3 + down, 1 + right},
                        k,
                        new int[] {0, down, 5 + right})
                    - first),
            1e-12);
    proof.atLeast( // rows and columns are told apart
        "change when rows and columns are exchanged",
        Math.abs(axialScore(rope, q, new int[] {0, 1, 3}, k, new int[] {0, 5, 0}) - first),
        0.01);
    int[][] ids = AxialRope.fluxIds(2, 2, 3);
    Tensor x = Tensor.gaussian(random, ids.length, 16);
    Tensor text = rope.apply(x, ids).slice(0, 0, 2);
    assertThat(text.toArray()).isEqualTo(x.slice(0, 0, 2).toArray());
  }

  private static double axialScore(AxialRope rope, Tensor q, int[] qId, Tensor k, int[] kId) {
    Tensor rotated = rope.apply(q, new int[][] {qId});
    return rotated.matmulTransposed(rope.apply(k, new int[][] {kId})).item();
  }

  @Claim("xpos")
  @Test
  void xpos_multiplies_the_score_of_each_pair_by_a_power_of_the_distance(Proof proof) {
    int headDim = 8;
    XPos xpos = new XPos(headDim, 32);
    Rope rope = rope(headDim, Layout.INTERLEAVED);
    int time = 40;
    int[] positions = IntStream.range(0, time).toArray();
    RandomGenerator random = random(11);
    for (int pair = 0; pair < headDim / 2; pair++) {
      double[] only = new double[headDim];
      only[2 * pair] = 1 + random.nextDouble();
      only[2 * pair + 1] = 1 + random.nextDouble();
      Tensor rows = Tensor.of(only, 1, headDim).broadcastTo(time, headDim);
      Tensor with = xpos.query(rows, 0).matmulTransposed(xpos.key(rows, 0));
      Tensor without = rope.apply(rows, positions).matmulTransposed(rope.apply(rows, positions));
      double zeta = (2 * pair + 0.4 * headDim) / (1.4 * headDim);
      for (int m = 0; m < time; m++)
        for (int n = 0; n <= m; n++)
          proof.atMost(
              "|score − ζ^(distance/scaleBase) · RoPE's score|",
              Math.abs(with.get(m, n) - Math.pow(zeta, (m - n) / 32.0) * without.get(m, n)),
              1e-13);
      assertThat(zeta).isLessThan(1);
    }
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("forms")
  void every_form_agrees_with_the_formula(NamedForm form, Proof proof) {
    RandomGenerator random = random(12);
    RopeScaling yarn = RopeScaling.Yarn.of(4, 512); // its attention factor is not 1
    for (Layout layout : Layout.values())
      for (int headDim = 2; headDim <= 140; headDim += 2) // below, at, above and beside the lanes
      for (int rotaryDim : new int[] {headDim, Math.max(2, headDim / 4 * 2)}) {
          Rope rope = new Rope(headDim, rotaryDim, 10_000, layout, yarn);
          int[] positions = {0, 1, 700};
          double[] x = doubles(floats(gaussian(3 * 2 * headDim, random)));
          proof.atMost(
              "max |Δ|",
              relativeGap(form.form().apply(rope, x, 2, positions), formula(rope, x, 2, positions)),
              form.tolerance());
        }
  }

  @Claim("parity")
  @GoldenCases("core/rope")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    switch (golden.text("kind")) {
      case "apply" -> {
        Rope rope =
            new Rope(
                golden.integer("head_dim"),
                golden.integer("rotary_dim"),
                golden.number("theta"),
                layout(golden.text("layout")),
                new RopeScaling.None());
        Tensor x = golden.tensor("x"); // [time, heads, headDim]
        int[] positions = golden.ints("positions");
        golden.expect("y", rope.apply(x.transpose(0, 1), positions).transpose(0, 1), proof);
        forms()
            .forEach(form ->
                golden.expect(
                    "y", form.form().apply(rope, x.toArray(), x.size(1), positions), proof));
        proof.atMost(
            "max |Δ| of the frequencies",
            gap(rope.frequencies(), golden.doubles("inv_freq")),
            1e-7); // the reference computes them in float32
      }
      case "permute" -> {
        int headDim = golden.integer("head_dim");
        Rope meta =
            new Rope(
                headDim,
                headDim,
                golden.number("theta"),
                Layout.INTERLEAVED,
                new RopeScaling.None());
        Rope converted = Rope.llama(headDim, golden.number("theta"));
        golden.expect("W_hf", meta.toHalves(golden.tensor("W")), proof);
        golden.expect("Wk_hf", meta.toHalves(golden.tensor("Wk")), proof);
        Tensor x = golden.tensor("x");
        golden.expect("scores", scores(meta, x, golden.tensor("W"), golden.tensor("Wk")), proof);
        golden.expect(
            "scores",
            scores(
                converted,
                x,
                meta.toHalves(golden.tensor("W")),
                meta.toHalves(golden.tensor("Wk"))),
            proof);
      }
      case "relative" -> {
        Tensor q = golden.tensor("q").unsqueeze(0);
        Tensor k = golden.tensor("k").unsqueeze(0);
        Rope rope =
            new Rope(
                q.size(LAST),
                q.size(LAST),
                golden.number("theta"),
                layout(golden.text("layout")),
                new RopeScaling.None());
        int[] m = golden.ints("m");
        int[] n = golden.ints("n");
        Tensor rotatedQ = rope.apply(q.broadcastTo(m.length, q.size(LAST)), m);
        Tensor rotatedK = rope.apply(k.broadcastTo(n.length, k.size(LAST)), n);
        golden.expect("scores", rotatedQ.matmulTransposed(rotatedK), proof);
      }
      default -> throw new IllegalArgumentException(golden.text("kind"));
    }
  }

  private static Layout layout(String name) {
    return switch (name) {
      case "half" -> Layout.HALVES;
      case "interleaved" -> Layout.INTERLEAVED;
      default -> throw new IllegalArgumentException(name);
    };
  }

  /// Scores `[heads, time, time]`, without the scale 1/√headDim.
  private static Tensor scores(Rope rope, Tensor x, Tensor queryWeight, Tensor keyWeight) {
    int[] positions = IntStream.range(0, x.size(0)).toArray();
    Tensor q = heads(rope, x.matmulTransposed(queryWeight));
    Tensor k = heads(rope, x.matmulTransposed(keyWeight));
    return rope.apply(q, positions).matmulTransposed(rope.apply(k, positions));
  }

  private static Tensor heads(Rope rope, Tensor x) {
    return x.reshape(x.size(0), -1, rope.headDim()).transpose(0, 1);
  }

  @Claim("scaling")
  @GoldenCases("core/rope-scaling")
  void scaled_frequencies_equal_the_reference_implementation(GoldenCase golden, Proof proof) {
    int headDim = golden.integer("head_dim");
    RopeScaling scaling = scaling(golden);
    Rope rope = new Rope(headDim, headDim, golden.number("theta"), Layout.HALVES, scaling);
    golden.expect("inv_freq", rope.frequencies(), proof);
    golden.expect("attention_factor", scaling.attentionFactor(), proof);
    if (!golden.expected().has("y")) return;
    double[] x = golden.doubles("x");
    int[] positions = golden.ints("positions");
    forms().forEach(form -> golden.expect("y", form.form().apply(rope, x, 1, positions), proof));
  }

  private static RopeScaling scaling(GoldenCase golden) {
    double factor = optional(golden, "factor", 1);
    int maximum = golden.integer("max_position_embeddings");
    return switch (golden.text("type")) {
      case "default", "none" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(factor);
      case "ntk" -> new RopeScaling.Ntk(factor);
      case "dynamic" -> new RopeScaling.DynamicNtk(factor, maximum, golden.integer("seq_len"));
      case "yarn" ->
          new RopeScaling.Yarn(
              factor,
              maximum,
              optional(golden, "beta_fast", 32),
              optional(golden, "beta_slow", 1),
              optional(
                  golden, "attention_factor", RopeScaling.Yarn.defaultAttentionFactor(factor)));
      case "llama3" ->
          new RopeScaling.Llama3(
              factor,
              golden.number("low_freq_factor"),
              golden.number("high_freq_factor"),
              golden.integer("original_max_position_embeddings"));
      case "longrope" -> {
        boolean split = golden.params().has("original_max_position_embeddings");
        int trained = split ? golden.integer("original_max_position_embeddings") : maximum;
        OptionalDouble given =
            golden.params().has("attention_factor")
                ? OptionalDouble.of(golden.number("attention_factor"))
                : OptionalDouble.empty();
        yield new RopeScaling.LongRope(
            split ? (double) maximum / trained : factor,
            trained,
            GoldenCase.numbers(golden.params().get("short_factor")),
            GoldenCase.numbers(golden.params().get("long_factor")),
            given);
      }
      default -> throw new IllegalArgumentException(golden.text("type"));
    };
  }

  private static double optional(GoldenCase golden, String param, double otherwise) {
    return golden.params().has(param) ? golden.number(param) : otherwise;
  }

  @Claim("parity")
  @GoldenCases("core/rope-axial")
  void axial_form_equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    int[] axisDims =
        Arrays.stream(GoldenCase.numbers(golden.params().get("axes_dim")))
            .mapToInt(dim -> (int) dim)
            .toArray();
    int[] flat = golden.ints("ids");
    int[][] ids = new int[flat.length / axisDims.length][];
    for (int t = 0; t < ids.length; t++)
      ids[t] = Arrays.copyOfRange(flat, t * axisDims.length, (t + 1) * axisDims.length);
    AxialRope rope = AxialRope.flux(golden.number("theta"), axisDims);
    golden.expect("y", rope.apply(golden.tensor("q"), ids), proof);
    if (axisDims.length == 3)
      assertThat(
              AxialRope.fluxIds(
                  golden.integer("text_tokens"), golden.integer("height"), golden.integer("width")))
          .isDeepEqualTo(ids);
  }

  @Claim("parity")
  @GoldenCases("core/xpos")
  void xpos_equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    XPos xpos = new XPos(golden.integer("head_dim"), golden.number("scale_base"));
    Tensor x = golden.tensor("x");
    int offset = golden.integer("offset");
    golden.expect(
        "y", golden.flag("downscale") ? xpos.key(x, offset) : xpos.query(x, offset), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Rope rope = Rope.llama(8, 10_000);
    Refusal.of(() -> rope.apply(Tensor.ones(3, 6), 0, 1, 2), "x", "8", "[3, 6]");
    Refusal.of(() -> rope.apply(Tensor.ones(3, 8), 0, 1), "x", "2 positions", "[3, 8]");
    Refusal.of(() -> Rope.llama(7, 10_000), "headDim", "7");
    Refusal.of(
        () -> new Rope(8, 3, 1e4, Layout.HALVES, new RopeScaling.None()), "rotaryDim", "8", "3");
    Refusal.of(
        () -> new Rope(4, 6, 1e4, Layout.HALVES, new RopeScaling.None()), "rotaryDim", "4", "6");
    Refusal.of(() -> Rope.llama(8, -1), "base", "-1");
    Refusal.of(() -> rope.toHalves(Tensor.ones(12, 3)), "weight", "8", "[12, 3]");
    Refusal.of(() -> RopeTable.of(rope, 0), "length", "0");
    Refusal.of(() -> RopeTable.of(rope, Integer.MAX_VALUE), "length", "2147483647");

    Refusal.of(() -> new RopeScaling.Linear(0.5), "factor", "0.5");
    Refusal.of(() -> new RopeScaling.Ntk(Double.NaN), "factor", "NaN");
    Refusal.of(() -> new RopeScaling.DynamicNtk(2, 0, 5), "trainedLength", "0");
    Refusal.of(() -> new RopeScaling.Yarn(4, 512, 1, 2, 1), "betaFast", "2", "1");
    Refusal.of(() -> new RopeScaling.Llama3(8, 4, 4, 8192), "highFrequencyFactor", "4");
    double[] two = {1, 2};
    RopeScaling forFour = new RopeScaling.LongRope(2, 64, two, two, OptionalDouble.empty());
    Refusal.of(() -> new Rope(8, 8, 1e4, Layout.HALVES, forFour), "longFactors", "4 pairs", "2");

    AxialRope axial = AxialRope.flux(10_000, 2, 4, 4);
    Refusal.of(() -> axial.apply(Tensor.ones(1, 8), new int[][] {{0, 1, 2}}), "x", "10", "[1, 8]");
    Refusal.of(() -> axial.apply(Tensor.ones(1, 10), new int[][] {{0, 1}}), "ids", "3", "2");
    Refusal.of(() -> new XPos(8, 512).query(Tensor.ones(2, 8), -1), "offset", "-1");

    for (RopeKernel kernel : new RopeKernel[] {new RopeKernel.Scalar(), RopeKernel.best()}) {
      RopeTable table = RopeTable.of(rope, 4);
      assertThatThrownBy(() -> kernel.rotate(table, new float[16], 0, 2, 4))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> kernel.rotate(table, new float[16], 1, 2, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }
}
