package lemma.core.norm;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.full;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static lemma.proof.Numbers.times;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
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

@Proves("layer-norm")
class LayerNormTest {
  private static final double FLOAT = 2e-6; // a few roundings of 6e-8 each, relative to the largest

  /// One form of the technique, on rows of `gain.length`.
  interface Form {
    double[] apply(double[] x, double[] gain, double[] bias, double epsilon);
  }

  record NamedForm(String name, Form form, double tolerance) {
    double[] apply(double[] x, double[] gain, double[] bias, double epsilon) {
      return form.apply(x, gain, bias, epsilon);
    }

    /// Gain 1 and bias 0, on one row.
    double[] plain(double[] row, double epsilon) {
      return form.apply(row, full(row.length, 1), new double[row.length], epsilon);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<NamedForm> forms() {
    return Stream.of(
        new NamedForm("formula", LayerNormTest::formula, 1e-13),
        new NamedForm("scalar", kernel(new LayerNormKernel.Scalar()), FLOAT),
        new NamedForm("vectorised", kernel(new LayerNormKernel.Vectorised()), FLOAT),
        new NamedForm("nd4j", LayerNormTest::nd4j, FLOAT));
  }

  private static double[] formula(double[] x, double[] gain, double[] bias, double epsilon) {
    Tensor rows = Tensor.of(x, x.length / gain.length, gain.length);
    return new LayerNorm(Tensor.vector(gain), Tensor.vector(bias), epsilon).apply(rows).toArray();
  }

  private static Form kernel(LayerNormKernel kernel) {
    return (x, gain, bias, epsilon) -> {
      float[] y = floats(x); // in place
      for (int row = 0; row < x.length; row += gain.length)
        kernel.apply(y, row, floats(gain), floats(bias), (float) epsilon, y, row, gain.length);
      return doubles(y);
    };
  }

  private static double[] nd4j(double[] x, double[] gain, double[] bias, double epsilon) {
    int[] shape = {x.length / gain.length, gain.length};
    try (INDArray rows = Nd4j.create(floats(x), shape, 'c');
        INDArray weight = Nd4j.create(floats(gain));
        INDArray offset = Nd4j.create(floats(bias));
        INDArray y = new LayerNormNd4j(weight, offset, epsilon).apply(rows)) {
      return y.data().asDouble();
    }
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }

  @Claim("moments")
  @ParameterizedTest
  @MethodSource("forms")
  void output_has_mean_0_and_variance_1_before_the_gain(NamedForm form, Proof proof) {
    RandomGenerator random = random(1);
    for (int dim : new int[] {2, 7, 64, 100, 4096}) {
      double[] x = gaussian(dim, random);
      for (int i = 0; i < dim; i++) x[i] = 3 * x[i] + 5;
      double[] y = form.plain(x, 0);
      proof.atMost("|mean|", Math.abs(mean(y)), form.tolerance());
      double variance = Arrays.stream(y).map(value -> value * value).sum() / dim;
      proof.atMost("|variance − 1|", Math.abs(variance - 1), form.tolerance());
    }
  }

  @Claim("shift")
  @ParameterizedTest
  @MethodSource("forms")
  void output_does_not_change_when_the_input_is_shifted(NamedForm form, Proof proof) {
    RandomGenerator random = random(2);
    for (int dim : new int[] {2, 9, 64, 1000}) {
      double[] x = gaussian(dim, random);
      double[] y = form.plain(x, 1e-5);
      for (double shift : new double[] {-0.5, 1, 100}) {
        double[] shifted = Arrays.stream(x).map(value -> value + shift).toArray();
        // the shifted input itself is rounded in proportion to the shift
        proof.atMost(
            "change / (1 + |shift|)",
            relativeGap(form.plain(shifted, 1e-5), y) / (1 + Math.abs(shift)),
            form.tolerance());
      }
    }
  }

  @Claim("scale")
  @ParameterizedTest
  @MethodSource("forms")
  void output_does_not_change_when_the_input_is_scaled(NamedForm form, Proof proof) {
    RandomGenerator random = random(3);
    for (int dim : new int[] {2, 9, 64, 4096}) {
      double[] x = gaussian(dim, random);
      double[] y = form.plain(x, 0);
      for (double scale : new double[] {1e-3, 0.5, 7, 1e4})
        proof.atMost(
            "relative change", relativeGap(form.plain(times(x, scale), 0), y), form.tolerance());
    }
  }

  @Claim("rows")
  @ParameterizedTest
  @MethodSource("forms")
  void row_is_normalised_alone_whatever_the_batch(NamedForm form) {
    RandomGenerator random = random(4);
    double[] x = gaussian(3 * 20, random);
    double[] gain = gaussian(20, random);
    double[] bias = gaussian(20, random);
    double[] together = form.apply(x, gain, bias, 1e-5);
    for (int row = 0; row < 3; row++) {
      double[] alone = form.apply(Arrays.copyOfRange(x, row * 20, row * 20 + 20), gain, bias, 1e-5);
      assertThat(Arrays.copyOfRange(together, row * 20, row * 20 + 20)).isEqualTo(alone);
    }
  }

  @Claim("one-pass")
  @Test
  void variance_from_the_sum_of_squares_loses_its_digits_on_a_large_mean(Proof proof) {
    RandomGenerator random = random(5);
    double[] x = gaussian(512, random);
    for (int i = 0; i < x.length; i++) x[i] = (float) (x[i] + 4096);
    float sum = 0;
    float squares = 0;
    for (double value : x) {
      sum += (float) value;
      squares += (float) value * (float) value;
    }
    double onePass = squares / 512 - (sum / 512) * (sum / 512);
    double mean = mean(x);
    double variance = Arrays.stream(x).map(v -> (v - mean) * (v - mean)).sum() / 512;
    proof.atLeast("relative error, Σx² − (Σx)²", Math.abs(onePass / variance - 1), 1);
    double[] expected = Arrays.stream(x).map(v -> (v - mean) / Math.sqrt(variance)).toArray();
    forms()
        .forEach(form -> {
          if (!form.name().equals("nd4j")) // which sums whatever comes in float
          proof.atMost(
                "relative error of our forms", relativeGap(form.plain(x, 0), expected), 1e-4);
        });
  }

  @Claim("extremes")
  @ParameterizedTest
  @MethodSource("forms")
  void constant_row_becomes_the_bias_and_nan_stays_in_its_row(NamedForm form) {
    double[] gain = {1, 2, 3};
    double[] bias = {-1, 0, 0.5};
    assertThat(form.apply(full(3, 2.5), gain, bias, 1e-5)).containsExactly(bias);
    double[] rows = {1, Double.NaN, 2, 3, 0, -4};
    double[] y = form.apply(rows, gain, bias, 1e-5);
    assertThat(Arrays.copyOfRange(y, 0, 3)).containsOnly(Double.NaN);
    assertThat(Arrays.copyOfRange(y, 3, 6))
        .isEqualTo(form.apply(new double[] {3, 0, -4}, gain, bias, 1e-5));
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("forms")
  void every_form_agrees_with_the_formula(NamedForm form, Proof proof) {
    RandomGenerator random = random(6);
    for (int dim = 2; dim <= 140; dim++) { // below, at, above and beside the lanes
      double[] x = doubles(floats(gaussian(2 * dim, random)));
      double[] gain = doubles(floats(gaussian(dim, random)));
      double[] bias = doubles(floats(gaussian(dim, random)));
      proof.atMost(
          "max |Δ|",
          relativeGap(form.apply(x, gain, bias, 1e-5), formula(x, gain, bias, 1e-5)),
          form.tolerance());
    }
  }

  @Claim("parity")
  @GoldenCases("core/layer-norm")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    Tensor x = golden.tensor("x");
    int dim = x.size(LAST);
    double epsilon = golden.number("eps");
    double[] gain = golden.inputs().has("weight") ? golden.doubles("weight") : full(dim, 1);
    double[] bias = golden.inputs().has("bias") ? golden.doubles("bias") : new double[dim];
    LayerNorm norm = new LayerNorm(Tensor.vector(gain), Tensor.vector(bias), epsilon);
    golden.expect("y", norm.apply(x), proof);
    golden.expect("mean", x.mean(LAST, false), proof);
    golden.expect("rstd", x.variance(LAST, false).add(epsilon).pow(-0.5), proof);
    // The reference had the inputs in double: rounding them to float moves y by up to this much.
    double steepest =
        Arrays.stream(golden.expected().has("rstd") ? numbers(golden, "rstd") : new double[] {1})
                .max()
                .orElseThrow()
            * Arrays.stream(gain).map(Math::abs).max().orElseThrow();
    double largest = Arrays.stream(x.toArray()).map(Math::abs).max().orElseThrow();
    double rounding = 1e-5 + 4 * Math.ulp((float) largest) * steepest;
    forms()
        .filter(form -> form.tolerance() == FLOAT)
        .forEach(form ->
            golden.expect(
                "y", floats(form.apply(x.toArray(), gain, bias, epsilon)), rounding, 1e-5, proof));
  }

  private static double[] numbers(GoldenCase golden, String key) {
    return GoldenCase.numbers(golden.expected().get(key));
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    LayerNorm norm = LayerNorm.plain(4, 1e-5);
    Refusal.of(() -> norm.apply(Tensor.ones(2, 3)), "x", "4", "[2, 3]");
    Refusal.of(() -> new LayerNorm(Tensor.ones(2, 2), Tensor.ones(2, 2), 0), "gain", "[2, 2]");
    Refusal.of(() -> new LayerNorm(Tensor.ones(2), Tensor.ones(3), 0), "bias", "[2]", "[3]");
    Refusal.of(() -> LayerNorm.plain(2, -1), "epsilon", "-1");
    Refusal.of(() -> LayerNorm.plain(2, Double.NaN), "epsilon", "NaN");
  }
}
