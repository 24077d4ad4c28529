package lemma.core.norm;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.full;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static lemma.proof.Numbers.times;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.stat.descriptive.rank.Median;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

@Proves("rms-norm")
class RmsNormTest {
  private static final double FLOAT = 2e-6; // a few roundings of 6e-8 each, relative to the largest

  /// One form of the technique, on rows of `gain.length`.
  interface Form {
    double[] apply(double[] x, double[] gain, double epsilon);
  }

  record NamedForm(String name, Form form, double tolerance) {
    double[] apply(double[] x, double[] gain, double epsilon) {
      return form.apply(x, gain, epsilon);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<NamedForm> forms() {
    return Stream.of(
        new NamedForm("formula", RmsNormTest::formula, 1e-14),
        new NamedForm("scalar", kernel(new RmsNormKernel.Scalar()), FLOAT),
        new NamedForm("vectorised", kernel(new RmsNormKernel.Vectorised()), FLOAT),
        new NamedForm("nd4j", RmsNormTest::nd4j, FLOAT));
  }

  private static double[] formula(double[] x, double[] gain, double epsilon) {
    Tensor rows = Tensor.of(x, x.length / gain.length, gain.length);
    return new RmsNorm(Tensor.vector(gain), epsilon).apply(rows).toArray();
  }

  private static Form kernel(RmsNormKernel kernel) {
    return (x, gain, epsilon) -> {
      float[] in = floats(x);
      float[] y = new float[x.length];
      for (int row = 0; row < x.length; row += gain.length)
        kernel.apply(in, row, floats(gain), (float) epsilon, y, row, gain.length);
      return doubles(y);
    };
  }

  private static double[] nd4j(double[] x, double[] gain, double epsilon) {
    int[] shape = {x.length / gain.length, gain.length};
    try (INDArray rows = Nd4j.create(floats(x), shape, 'c');
        INDArray weight = Nd4j.create(floats(gain));
        INDArray y = new RmsNormNd4j(weight, epsilon).apply(rows)) {
      return y.data().asDouble();
    }
  }

  @Claim("scale")
  @ParameterizedTest
  @MethodSource("forms")
  void output_does_not_change_when_the_input_is_scaled(NamedForm form, Proof proof) {
    RandomGenerator random = random(7);
    for (int dim : new int[] {1, 7, 8, 64, 100, 4096}) { // below, at, above and beside the lanes
      double[] x = gaussian(3 * dim, random);
      double[] gain = gaussian(dim, random);
      double[] y = form.apply(x, gain, 0);
      for (double scale : new double[] {1e-3, 0.5, 7, 1e4})
        proof.atMost(
            "relative change",
            relativeGap(form.apply(times(x, scale), gain, 0), y),
            form.tolerance());
    }
  }

  @Claim("shift")
  @ParameterizedTest
  @MethodSource("forms")
  void output_changes_when_the_input_is_shifted(NamedForm form, Proof proof) {
    RandomGenerator random = random(8);
    for (int dim : new int[] {2, 64, 1000}) {
      double[] x = gaussian(dim, random);
      double[] ones = full(dim, 1);
      double[] shifted = Arrays.stream(x).map(value -> value + 1).toArray();
      proof.atLeast(
          "relative change",
          relativeGap(form.apply(shifted, ones, 0), form.apply(x, ones, 0)),
          0.1);
    }
  }

  @Claim("layer-norm")
  @ParameterizedTest
  @MethodSource("forms")
  void equals_layer_norm_without_bias_on_a_row_of_mean_zero(NamedForm form, Proof proof) {
    RandomGenerator random = random(9);
    for (int dim : new int[] {2, 65, 768}) {
      double[] x = gaussian(dim, random);
      double mean = Arrays.stream(x).average().orElseThrow();
      double[] centred = Arrays.stream(x).map(value -> value - mean).toArray();
      double variance = Arrays.stream(centred).map(value -> value * value).sum() / dim;
      double[] layerNorm = times(centred, 1 / Math.sqrt(variance + 1e-5));
      proof.atMost(
          "max |Δ|",
          relativeGap(form.apply(centred, full(dim, 1), 1e-5), layerNorm),
          Math.max(form.tolerance(), 1e-13));
    }
  }

  @Claim("reductions")
  @ParameterizedTest
  @MethodSource("forms")
  void row_is_reduced_to_one_number_where_layer_norm_needs_two(NamedForm form, Proof proof) {
    RandomGenerator random = random(11);
    for (int dim : new int[] {8, 21}) {
      double[] x = gaussian(dim, random);
      int reductions = reductions(row -> form.apply(row, full(dim, 1), 0), x);
      assertThat(reductions).isEqualTo(1);
      proof.measured("reductions of RMSNorm", reductions);
      LayerNorm layerNorm = LayerNorm.plain(dim, 0);
      int ofLayerNorm = reductions(row -> layerNorm.apply(Tensor.vector(row)).toArray(), x);
      assertThat(ofLayerNorm).isEqualTo(2);
      proof.measured("reductions of LayerNorm", ofLayerNorm);
    }
  }

  /// How many numbers each output knows of the whole row, whatever the code that computes it.
  ///
  /// If yᵢ = f(xᵢ, s₁ … sₙ) with sums sⱼ over the row, then ∂y/∂x = c·I + (a matrix of rank n): all
  /// eigenvalues but n are equal.
  private static int reductions(UnaryOperator<double[]> norm, double[] x) {
    int dim = x.length;
    double step = 1e-2; // central differences: an error of 1e-4 here, and of 1e-5 from floats
    double[][] jacobian = new double[dim][dim];
    for (int j = 0; j < dim; j++) {
      double[] up = x.clone();
      double[] down = x.clone();
      up[j] += step;
      down[j] -= step;
      double[] high = norm.apply(up);
      double[] low = norm.apply(down);
      for (int i = 0; i < dim; i++) { // it is symmetric, up to the differences
        jacobian[i][j] += (high[i] - low[i]) / (4 * step);
        jacobian[j][i] += (high[i] - low[i]) / (4 * step);
      }
    }
    double[] eigenvalues =
        new EigenDecomposition(new Array2DRowRealMatrix(jacobian)).getRealEigenvalues();
    double common = new Median().evaluate(eigenvalues);
    return (int)
        Arrays.stream(eigenvalues)
            .filter(value -> Math.abs(value - common) > 0.05 * common)
            .count();
  }

  @Claim("extremes")
  @ParameterizedTest
  @MethodSource("forms")
  void zeros_stay_zero_and_nan_stays_in_its_row(NamedForm form) {
    double[] gain = {1, 2, 3};
    assertThat(form.apply(new double[3], gain, 1e-6)).containsExactly(0, 0, 0);
    double[] rows = {1, Double.NaN, 2, 3, 0, -4};
    double[] y = form.apply(rows, gain, 1e-6);
    assertThat(Arrays.copyOfRange(y, 0, 3)).containsOnly(Double.NaN);
    assertThat(
            relativeGap(
                Arrays.copyOfRange(y, 3, 6), form.apply(new double[] {3, 0, -4}, gain, 1e-6)))
        .isZero();
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("forms")
  void every_form_agrees_with_the_formula(NamedForm form, Proof proof) {
    RandomGenerator random = random(10);
    for (int dim = 1; dim <= 140; dim++) {
      double[] x = doubles(floats(gaussian(2 * dim, random)));
      double[] gain = doubles(floats(gaussian(dim, random)));
      proof.atMost(
          "max |Δ|",
          relativeGap(form.apply(x, gain, 1e-6), formula(x, gain, 1e-6)),
          form.tolerance());
    }
  }

  @Claim("parity")
  @GoldenCases("core/rms-norm")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    Tensor weight = golden.tensor("weight");
    double epsilon = golden.number("eps");
    RmsNorm norm =
        switch (golden.text("variant")) {
          case "llama" -> new RmsNorm(weight, epsilon);
          case "gemma" -> RmsNorm.gemma(weight, epsilon);
          default -> throw new IllegalArgumentException(golden.text("variant"));
        };
    Tensor x = golden.tensor("x");
    golden.expect("y", norm.apply(x), proof);
    double[] gain = norm.gain().toArray();
    forms().forEach(form -> golden.expect("y", form.apply(x.toArray(), gain, epsilon), proof));
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    var norm = new RmsNorm(Tensor.ones(4), 1e-6);
    Refusal.of(() -> norm.apply(Tensor.ones(2, 3)), "x", "4", "[2, 3]");
    Refusal.of(() -> new RmsNorm(Tensor.ones(2, 2), 1e-6), "gain", "[2, 2]");
    Refusal.of(() -> new RmsNorm(Tensor.ones(2), -1), "epsilon", "-1");
    Refusal.of(() -> new RmsNorm(Tensor.ones(2), Double.NaN), "epsilon", "NaN");
  }
}
