package lemma.core.tuning;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.tensor.Gradients;
import lemma.core.tensor.SingularValues;
import lemma.core.tensor.Tensor;
import lemma.core.training.AdamW;
import lemma.core.training.OptimiserState;
import lemma.core.tuning.LoraConfig.Initialisation;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import tools.jackson.databind.JsonNode;

/// One matrix. What an adapter does to a whole model is proved in [LoraModelTest].
@Proves("lora")
class LoraTest {
  private static final double FLOAT = 1e-6; // sums of some hundred products, rounded at 6e-8

  /// One form of the technique: what the update adds for one row.
  interface Form {
    double[] apply(Lora lora, double[] x);
  }

  record NamedForm(String name, Form form, double tolerance) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<NamedForm> forms() {
    return Stream.of(
        new NamedForm("formula", LoraTest::formula, 1e-14),
        new NamedForm("merged", LoraTest::merged, 1e-14),
        new NamedForm("scalar", kernel(new LoraKernel.Scalar()), FLOAT),
        new NamedForm("vectorised", kernel(new LoraKernel.Vectorised()), FLOAT),
        new NamedForm("nd4j", LoraTest::nd4j, FLOAT));
  }

  private static double[] formula(Lora lora, double[] x) {
    return lora.apply(Tensor.of(x, 1, x.length)).toArray();
  }

  private static double[] merged(Lora lora, double[] x) {
    return Tensor.of(x, 1, x.length).matmulTransposed(lora.delta()).toArray();
  }

  private static Form kernel(LoraKernel kernel) {
    return (lora, x) -> {
      float[] y = new float[lora.b().size(0)];
      kernel.add(
          floats(x),
          floats(lora.a().toArray()),
          floats(lora.b().transpose(0, 1).toArray()),
          lora.rank(),
          (float) lora.scaling(),
          y);
      return doubles(y);
    };
  }

  private static double[] nd4j(Lora lora, double[] x) {
    try (INDArray a = nd4j(lora.a());
        INDArray b = nd4j(lora.b());
        INDArray row = Nd4j.create(floats(x), new int[] {1, x.length}, 'c');
        INDArray y = new LoraNd4j(a, b, lora.scaling()).apply(row)) {
      return y.data().asDouble();
    }
  }

  private static INDArray nd4j(Tensor matrix) {
    return Nd4j.create(floats(matrix.toArray()), matrix.shape(), 'c');
  }

  private static Lora gaussianLora(int in, int out, int rank, RandomGenerator random) {
    return new Lora(Tensor.gaussian(random, rank, in), Tensor.gaussian(random, out, rank), 1.5);
  }

  @Claim("start")
  @Test
  void new_update_changes_nothing() {
    RandomGenerator random = random(1);
    for (Initialisation initialisation : Initialisation.values()) {
      LoraConfig config = config(4, 8, false, initialisation);
      Lora lora = Lora.initialise(config, 20, 12, random);
      Tensor weight = Tensor.gaussian(random, 12, 20);
      Tensor x = Tensor.gaussian(random, 5, 20);
      assertThat(lora.linear(x, weight).toArray()).isEqualTo(x.matmulTransposed(weight).toArray());
      assertThat(lora.merge(weight).toArray()).isEqualTo(weight.toArray());
      assertThat(lora.a().abs().sum().item()).isPositive();
    }
  }

  private static LoraConfig config(
      int rank, double alpha, boolean stabilised, Initialisation initialisation) {
    return new LoraConfig(rank, alpha, stabilised, 0, LoraConfig.ALL_LINEAR, initialisation);
  }

  @Claim("merged")
  @Test
  void merged_matrix_computes_the_same_and_can_be_taken_apart(Proof proof) {
    RandomGenerator random = random(2);
    for (int rank : new int[] {1, 4, 9}) {
      Lora lora = gaussianLora(30, 17, rank, random);
      Tensor weight = Tensor.gaussian(random, 17, 30);
      Tensor x = Tensor.gaussian(random, 2, 3, 30);
      Tensor merged = lora.merge(weight);
      proof.atMost(
          "max |Δ| of outputs",
          gap(x.matmulTransposed(merged).toArray(), lora.linear(x, weight).toArray()),
          1e-12);
      proof.atMost(
          "max |Δ| after unmerging", gap(lora.unmerge(merged).toArray(), weight.toArray()), 1e-14);
    }
  }

  @Claim("rank")
  @Test
  void update_has_rank_r_at_most(Proof proof) {
    RandomGenerator random = random(3);
    for (int rank : new int[] {1, 3, 8}) {
      double[] s = singularValues(gaussianLora(40, 25, rank, random).delta());
      proof.atMost("singular value r + 1 / the largest", s[rank] / s[0], 1e-14);
      proof.atLeast("singular value r / the largest", s[rank - 1] / s[0], 1e-3);
    }
  }

  private static double[] singularValues(Tensor matrix) {
    double[][] rows = new double[matrix.size(0)][];
    for (int i = 0; i < rows.length; i++) rows[i] = matrix.select(0, i).toArray();
    return new SingularValueDecomposition(new Array2DRowRealMatrix(rows)).getSingularValues();
  }

  @Claim("first-step")
  @Test
  void first_gradient_moves_b_and_not_a(Proof proof) {
    RandomGenerator random = random(4);
    Lora lora =
        Lora.initialise(config(4, 8, false, Initialisation.KAIMING_UNIFORM), 20, 12, random);
    Tensor weight = Tensor.gaussian(random, 12, 20).parameter();
    Tensor x = Tensor.gaussian(random, 6, 20);
    Gradients gradients = lora.linear(x, weight).square().sum().backward();
    assertThat(gradients.of(lora.a()).toArray()).containsOnly(0);
    proof.atLeast("max |dB|", gradients.of(lora.b()).abs().max().item(), 1);
  }

  @Claim("both-zero")
  @Test
  void with_both_matrices_zero_nothing_ever_moves() {
    RandomGenerator random = random(5);
    Lora lora = new Lora(Tensor.zeros(4, 20).parameter(), Tensor.zeros(12, 4).parameter(), 2);
    Tensor x = Tensor.gaussian(random, 6, 20);
    Tensor target = Tensor.gaussian(random, 6, 12);
    Gradients gradients = lora.apply(x).sub(target).square().sum().backward();
    assertThat(gradients.of(lora.a()).toArray()).containsOnly(0);
    assertThat(gradients.of(lora.b()).toArray()).containsOnly(0);
  }

  @Claim("order")
  @Test
  void update_is_b_times_a_and_a_times_b_has_another_shape(Proof proof) {
    RandomGenerator random = random(6);
    Lora lora = gaussianLora(20, 12, 4, random);
    assertThat(lora.delta().shape()).containsExactly(12, 20);
    Refusal.of(() -> lora.a().matmul(lora.b()), "[4, 20]", "[12, 4]");
    Lora square = gaussianLora(12, 12, 4, random); // A·B exists here, and is another thing
    Tensor wrong = square.a().matmul(square.b()).mul(square.scaling());
    assertThat(wrong.shape()).containsExactly(4, 4);
    proof.measured("rows of A·B where W has 12", wrong.size(0));
  }

  @Claim("scaling")
  @Test
  void first_step_of_adam_moves_the_output_alike_for_every_rank(Proof proof) {
    assertThat(LoraConfig.of(8, 16, "q_proj").scaling()).isEqualTo(2);
    assertThat(config(16, 8, true, Initialisation.GAUSSIAN).scaling()).isEqualTo(2);
    double small = firstMove(4, 16.0 / 4);
    double large = firstMove(256, 16.0 / 256);
    proof.atMost("|move at r = 256 / move at r = 4 − 1|, α/r", Math.abs(large / small - 1), 0.25);
    proof.atLeast("the same ratio without α/r", firstMove(256, 1) / firstMove(4, 1), 40);
  }

  /// How far one step of Adam moves the output for the input that it was made for, on average over
  /// 50 layers.
  private static double firstMove(int rank, double scaling) {
    RandomGenerator random = random(7);
    AdamW adam = new AdamW(0.9, 0.999, 1e-8, 0, AdamW.Decay.DECOUPLED, (name, value) -> true);
    double moves = 0;
    for (int layer = 0; layer < 50; layer++) {
      Lora begun = Lora.initialise(LoraConfig.of(rank, 1, "q_proj"), 64, 5, random);
      Lora lora = new Lora(begun.a(), begun.b(), scaling);
      Tensor x = Tensor.gaussian(random, 1, 64);
      Tensor target = Tensor.gaussian(random, 1, 5);
      Gradients gradients = lora.apply(x).sub(target).square().sum().backward();
      Map<String, Tensor> b = Map.of("B", lora.b());
      Map<String, Tensor> g = Map.of("B", gradients.of(lora.b()));
      Tensor moved = adam.step(b, g, adam.begin(b), 1e-3).parameters().get("B");
      moves += new Lora(lora.a(), moved, scaling).apply(x).abs().mean().item() / 50;
    }
    return moves;
  }

  @Claim("beginning")
  @Test
  void a_begins_within_one_over_root_in_which_is_not_xavier(Proof proof) {
    LoraConfig code = config(8, 16, false, Initialisation.KAIMING_UNIFORM);
    double[] a = Lora.initialise(code, 4096, 1, random(14)).a().toArray();
    double deviation = Math.sqrt(Arrays.stream(a).map(v -> v * v).average().orElseThrow());
    double largest = Arrays.stream(a).map(Math::abs).max().orElseThrow();
    proof.atMost("largest |A| · √in", largest * 64, 1);
    proof.atMost( // 32 768 draws
        "|deviation · √(3·in) − 1|", Math.abs(deviation * Math.sqrt(3 * 4096.0) - 1), 0.02);
    double xavier = Math.sqrt(2.0 / (4096 + 8));
    proof.atLeast("deviation that Xavier's rule would give / ours", xavier / deviation, 2.4);
  }

  @Claim("dropout")
  @Test
  void dropout_keeps_the_mean_and_leaves_the_frozen_path_alone(Proof proof) {
    RandomGenerator random = random(8);
    Lora lora = gaussianLora(10, 6, 2, random);
    Tensor x = Tensor.gaussian(random, 1, 10);
    Tensor sum = Tensor.zeros(1, 6);
    int draws = 20_000;
    for (int i = 0; i < draws; i++) sum = sum.add(lora.apply(x, 0.25, random));
    proof.atMost( // one draw deviates by about the value itself, their mean by 1/141 of it
        "relative gap of the mean of 20 000 draws",
        relativeGap(sum.div(draws).toArray(), lora.apply(x).toArray()),
        0.05);
    assertThat(lora.apply(x, 0, random).toArray()).isEqualTo(lora.apply(x).toArray());
  }

  @Claim("sums")
  @Test
  void only_the_concatenated_sum_is_exact(Proof proof) {
    RandomGenerator random = random(9);
    List<Lora> two = List.of(gaussianLora(9, 7, 2, random), gaussianLora(9, 7, 2, random));
    double[] weights = {0.7, -0.4};
    Tensor exact = two.get(0).delta().mul(0.7).add(two.get(1).delta().mul(-0.4));
    Lora concatenated = LoraSum.concatenated(two, weights);
    proof.atMost(
        "gap of the concatenated sum",
        relativeGap(concatenated.delta().toArray(), exact.toArray()),
        1e-14);
    assertThat(concatenated.rank()).isEqualTo(4);
    proof.atLeast(
        "gap of the factorwise sum",
        relativeGap(LoraSum.factorwise(two, weights).delta().toArray(), exact.toArray()),
        0.1);
    Lora truncated = LoraSum.truncated(two, 2, weights);
    double[] s = singularValues(exact);
    double tail = Math.sqrt(s[2] * s[2] + s[3] * s[3]);
    double error = exact.sub(truncated.delta()).square().sum().sqrt().item();
    proof.atMost("|error of rank 2 − √(s₃² + s₄²)|", Math.abs(error - tail), 1e-12);
    Lora one = LoraSum.factorwise(List.of(two.get(0)), 1);
    proof.atMost(
        "gap of a single update",
        relativeGap(one.delta().toArray(), two.get(0).delta().toArray()),
        1e-14);
  }

  @Claim("counts")
  @Test
  void parameters_of_a_7b_model_at_rank_8() {
    int hidden = 4096;
    int inner = 11008;
    long square = Lora.parameterCount(8, hidden, hidden);
    long queryAndValue = 32 * 2 * square;
    long allSeven =
        32
            * (4 * square
                + 2 * Lora.parameterCount(8, hidden, inner)
                + Lora.parameterCount(8, inner, hidden));
    assertThat(queryAndValue).isEqualTo(4_194_304); // 0.062 % of 6 738 415 616
    assertThat(allSeven).isEqualTo(19_988_480); // 0.297 %
    Lora lora = gaussianLora(30, 17, 8, random(10));
    assertThat(Lora.parameterCount(8, 30, 17)).isEqualTo(lora.a().count() + lora.b().count());
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("forms")
  void every_form_agrees_with_the_formula(NamedForm form, Proof proof) {
    RandomGenerator random = random(11);
    for (int in = 1; in <= 70; in += 3) // below, at, above and beside the lanes
    for (int out : new int[] {1, 8, 33, 64})
        for (int rank : new int[] {1, 3, 8}) {
          Lora lora = gaussianLora(in, out, rank, random);
          double[] x = gaussian(in, random);
          double[] bound = scale(lora, x);
          double[] got = form.form().apply(lora, x);
          double[] expected = formula(lora, x);
          double worst = 0;
          for (int i = 0; i < out; i++)
            worst = Math.max(worst, Math.abs(got[i] - expected[i]) / bound[i]);
          proof.atMost("max |Δ| / Σ|terms|", worst, form.tolerance());
        }
  }

  /// Σ of the magnitudes of all terms of each output: what rounding errors are in proportion to.
  private static double[] scale(Lora lora, double[] x) {
    return new Lora(lora.a().abs(), lora.b().abs(), Math.abs(lora.scaling()))
        .apply(Tensor.of(x, 1, x.length).abs())
        .toArray();
  }

  @Claim("parity")
  @GoldenCases("tuning/lora-linear")
  void layer_equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    LoraConfig config =
        config(
            golden.integer("r"),
            golden.number("alpha"),
            golden.flag("use_rslora"),
            Initialisation.KAIMING_UNIFORM);
    Tensor weight = golden.tensor("W");
    Tensor x = golden.tensor("x").parameter();
    Lora lora =
        new Lora(golden.tensor("A").parameter(), golden.tensor("B").parameter(), config.scaling());
    Tensor y = lora.linear(x, weight);
    if (golden.inputs().has("b")) y = y.add(golden.tensor("b"));
    golden.expect("scaling", config.scaling(), proof);
    golden.expect("delta", lora.delta(), proof);
    golden.expect("y", y, proof);
    golden.expect("merged_weight", lora.merge(weight), proof);
    Gradients gradients = y.backward(golden.tensor("g"));
    golden.expect("dA", gradients.of(lora.a()), proof);
    golden.expect("dB", gradients.of(lora.b()), proof);
    golden.expect("dx", gradients.of(x), proof);
    proof.atMost(
        "max |Δ| after unmerging",
        gap(lora.unmerge(lora.merge(weight)).toArray(), weight.toArray()),
        1e-14 * (1 + weight.abs().max().item() + lora.delta().abs().max().item()));
  }

  @Claim("parity")
  @GoldenCases("tuning/lora-init")
  void beginning_equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    boolean gaussian = golden.params().has("init") && golden.text("init").equals("gaussian");
    int in = golden.integer("in_features");
    int rank = golden.integer("r");
    LoraConfig config =
        config(
            rank, rank, false, gaussian ? Initialisation.GAUSSIAN : Initialisation.KAIMING_UNIFORM);
    RandomGenerator random = random(12);
    double squares = 0;
    double largest = 0;
    long count = 0;
    while (count < 20_000) { // the deviation of so many draws is known to 0.5 %
      Lora lora = Lora.initialise(config, in, 3, random);
      for (double value : lora.a().toArray()) {
        squares += value * value;
        largest = Math.max(largest, Math.abs(value));
        count++;
      }
      assertThat(lora.b().toArray()).containsOnly(0);
      Tensor weight = Tensor.gaussian(random, 3, in);
      Tensor x = Tensor.gaussian(random, 1, in);
      assertThat(lora.linear(x, weight).toArray()).isEqualTo(x.matmulTransposed(weight).toArray());
    }
    golden.expect("std", Math.sqrt(squares / count), proof);
    if (golden.expected().has("bound")) {
      double bound = GoldenCase.numbers(golden.expected().get("bound"))[0];
      proof.atMost("largest |A| / bound", largest / bound, 1);
      proof.atLeast("largest |A| / bound", largest / bound, 0.99);
    }
  }

  @Claim("parity")
  @GoldenCases("tuning/lora-combine")
  void sums_equal_the_reference_implementation(GoldenCase golden, Proof proof) {
    double[] ranks = GoldenCase.numbers(golden.params().get("ranks"));
    double[] alphas = GoldenCase.numbers(golden.params().get("alphas"));
    double[] weights = GoldenCase.numbers(golden.params().get("weights"));
    List<Lora> updates = new ArrayList<>();
    double[] scaledTwice = weights.clone();
    Tensor target = Tensor.scalar(0);
    for (int i = 0; i < weights.length; i++) {
      double scaling = alphas[i] / ranks[i];
      updates.add(new Lora(golden.tensor("A" + i), golden.tensor("B" + i), scaling));
      scaledTwice[i] *= scaling;
      target = target.add(updates.get(i).delta().mul(weights[i]));
    }
    golden.expect("target", target, proof);
    Lora concatenated = LoraSum.concatenated(updates, weights);
    golden.expect("cat", concatenated.delta(), proof);
    golden.expect("cat_rank", new int[] {concatenated.rank()});
    if (golden.expected().has("linear"))
      golden.expect("linear", LoraSum.factorwise(updates, weights).delta(), proof);
    int rank = golden.integer("svd_rank");
    Tensor truncated = LoraSum.truncated(updates, rank, weights).delta();
    golden.expect("svd_of_target", truncated, proof);
    golden.expect(
        "svd_truncation_error_fro", target.sub(truncated).square().sum().sqrt().item(), proof);
    // the reference multiplies by each scaling twice
    golden.expect("svd_reference", LoraSum.truncated(updates, rank, scaledTwice).delta(), proof);
  }

  @Claim("resume")
  @GoldenCases("tuning/lora-resume")
  void continuing_equals_one_run_only_with_the_optimiser_state(GoldenCase golden, Proof proof) {
    int k = golden.integer("k");
    double lambda = golden.number("weight_decay");
    AdamW adamW = new AdamW(0.9, 0.999, 1e-8, lambda, AdamW.Decay.DECOUPLED, (name, value) -> true);
    Tensor weight = golden.tensor("W");
    Tensor firstA = golden.tensor("A0");
    Tensor zeroB = Tensor.zeros(weight.size(0), firstA.size(0));
    Run start = Run.begin(adamW, firstA, zeroB, golden.number("scaling"));

    Run half = start.steps(k, weight, golden);
    golden.expect("A_half", half.lora().a(), proof);
    golden.expect("B_half", half.lora().b(), proof);
    Run full = half.steps(k, weight, golden);
    golden.expect("A_full", full.lora().a(), proof);
    golden.expect("B_full", full.lora().b(), proof);

    Run weightsOnly =
        Run.begin(adamW, half.lora().a(), half.lora().b(), half.lora().scaling())
            .steps(k, weight, golden);
    golden.expect("A_weights_only", weightsOnly.lora().a(), proof);
    golden.expect("B_weights_only", weightsOnly.lora().b(), proof);
    proof.atLeast(
        "gap of a run whose moments were lost",
        gap(weightsOnly.lora().b().toArray(), full.lora().b().toArray()),
        1e-3);

    Tensor merged = half.lora().merge(weight).detach();
    golden.expect("merged_W", merged, proof);
    Run anew =
        Run.begin(adamW, golden.tensor("A_new"), zeroB, half.lora().scaling())
            .steps(k, merged, golden);
    golden.expect("A_merged_new", anew.lora().a(), proof);
    golden.expect("B_merged_new", anew.lora().b(), proof);
  }

  /// An update in training, with the moments of its optimiser.
  private record Run(AdamW adamW, Lora lora, OptimiserState state) {
    static Run begin(AdamW adamW, Tensor a, Tensor b, double scaling) {
      Lora lora = new Lora(a.parameter(), b.parameter(), scaling);
      return new Run(adamW, lora, adamW.begin(Map.of("A", lora.a(), "B", lora.b())));
    }

    Run steps(int count, Tensor weight, GoldenCase golden) {
      Run run = this;
      for (int i = 0; i < count; i++) {
        Lora now = run.lora;
        Tensor y = now.linear(golden.tensor("x"), weight);
        Gradients gradients = y.sub(golden.tensor("target")).square().mean().mul(0.5).backward();
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        parameters.put("A", now.a());
        parameters.put("B", now.b());
        Map<String, Tensor> g = Map.of("A", gradients.of(now.a()), "B", gradients.of(now.b()));
        var update = adamW.step(parameters, g, run.state, golden.number("lr"));
        run =
            new Run(
                adamW,
                new Lora(update.parameters().get("A"), update.parameters().get("B"), now.scaling()),
                update.state());
      }
      return run;
    }
  }

  @Claim("parity")
  @GoldenCases("tuning/peft-param-counts")
  void counts_equal_the_reference_implementation(GoldenCase golden, Proof proof) {
    assumeTrue(golden.text("method").equals("lora"), "another technique's count");
    int rank = golden.integer("r");
    long layers = golden.integer("layers");
    long perLayer = 0;
    long outputs = 0;
    for (JsonNode matrix : golden.params().get("matrices")) {
      perLayer += Lora.parameterCount(rank, matrix.get(1).asInt(), matrix.get(2).asInt());
      outputs += matrix.get(2).asInt();
    }
    long trainable = layers * perLayer;
    double base = golden.number("base_parameters");
    golden.expect("trainable", trainable, proof);
    golden.expect("bytes_fp32", 4 * trainable, proof);
    golden.expect("bytes_fp16", 2 * trainable, proof);
    golden.expect("percent_of_base", 100 * trainable / base, proof);
    golden.expect("percent_of_total", 100 * trainable / (base + trainable), proof);
    golden.expect("dora_trainable", trainable + layers * outputs, proof);
  }

  @Claim("svd")
  @Test
  void singular_values_agree_with_another_implementation(Proof proof) {
    RandomGenerator random = random(13);
    for (int[] shape : new int[][] {{1, 1}, {5, 5}, {9, 4}, {4, 9}, {30, 17}}) {
      Tensor matrix = Tensor.gaussian(random, shape);
      SingularValues svd = SingularValues.of(matrix);
      proof.atMost("max |Δ| of s", relativeGap(svd.s(), singularValues(matrix)), 1e-13);
      Tensor product = svd.u().mul(Tensor.vector(svd.s())).matmulTransposed(svd.v());
      proof.atMost("max |Δ| of U·S·Vᵀ", relativeGap(product.toArray(), matrix.toArray()), 1e-13);
      Tensor identity = svd.v().transpose(0, 1).matmul(svd.v());
      proof.atMost(
          "max |Δ| of VᵀV", gap(identity.toArray(), Tensor.eye(identity.size(0)).toArray()), 1e-13);
    }
    double[] zeros = SingularValues.of(Tensor.zeros(3, 2)).s();
    assertThat(zeros).containsExactly(0, 0);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Tensor a = Tensor.ones(2, 5);
    Lora lora = new Lora(a, Tensor.ones(4, 2), 1);
    Refusal.of(() -> new Lora(a, Tensor.ones(4, 3), 1), "a", "b", "[2, 5]", "[4, 3]");
    Refusal.of(() -> new Lora(a, Tensor.ones(4, 2), Double.NaN), "scaling", "NaN");
    Refusal.of(() -> lora.apply(Tensor.ones(3, 4)), "x", "5", "[3, 4]");
    Refusal.of(() -> lora.apply(Tensor.ones(3, 5), 1, random(1)), "dropout", "1");
    Refusal.of(() -> lora.merge(Tensor.ones(5, 4)), "weight", "[4, 5]", "[5, 4]");
    Refusal.of(() -> LoraConfig.of(0, 1, "q_proj"), "rank", "0");
    Refusal.of(() -> LoraConfig.of(2, -1, "q_proj"), "alpha", "-1");
    Refusal.of(() -> LoraConfig.of(2, 1), "targetModules");
    Refusal.of(() -> Lora.initialise(LoraConfig.of(2, 1, "q"), 0, 3, random(1)), "in", "0");
    Refusal.of(() -> LoraSum.concatenated(List.of(lora), 1, 2), "weight", "2", "1");
    Lora other = new Lora(Tensor.ones(3, 5), Tensor.ones(4, 3), 1);
    Refusal.of(() -> LoraSum.factorwise(List.of(lora, other), 1, 1), "rank", "2", "3");
    Refusal.of(() -> LoraSum.truncated(List.of(lora), 5, 1), "rank", "4", "5");
    Refusal.of(() -> SingularValues.of(Tensor.full(Double.NaN, 2, 2)), "matrix", "NaN");
    Map<String, Tensor> weights = Map.of("layer.q_proj.weight", Tensor.ones(4, 5));
    Refusal.of(() -> LoraAdapter.initialise(LoraConfig.of(2, 1, "w1"), weights, random(1)), "[w1]");
    LoraConfig config = LoraConfig.of(2, 1, "q_proj");
    LoraAdapter adapter = LoraAdapter.initialise(config, weights, random(1));
    Refusal.of(() -> adapter.merge(Map.of()), "layer.q_proj.weight");
    Refusal.of(
        () -> adapter.merge(Map.of("layer.q_proj.weight", Tensor.ones(4, 6))),
        "layer.q_proj",
        "[4, 5]",
        "[4, 6]");
    Refusal.of(() -> adapter.with(Map.of()), "lora_A", "layer.q_proj");
    for (LoraKernel kernel : new LoraKernel[] {new LoraKernel.Scalar(), LoraKernel.best()})
      assertThatThrownBy(
              () -> kernel.add(new float[4], new float[7], new float[6], 2, 1, new float[3]))
          .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
