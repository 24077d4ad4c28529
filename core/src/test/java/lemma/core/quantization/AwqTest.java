package lemma.core.quantization;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Proves("awq")
class AwqTest {
  private static final int IN = 64;
  private static final int OUT = 32;

  private static Awq awq(int bits) {
    return new Awq(new GroupQuantiser(bits, 32), 20);
  }

  @Claim("output-error")
  @ParameterizedTest
  @ValueSource(ints = {3, 4})
  void outputs_are_closer_than_with_rounding_to_nearest(int bits, Proof proof) {
    RandomGenerator random = random(bits);
    for (int trial = 0; trial < 5; trial++) {
      var layer = new CalibratedLayer(IN, OUT, random);
      Tensor nearest = new GroupQuantiser(bits, 32).roundToNearest(layer.weight());
      Awq.Result result = awq(bits).quantise(layer.weight(), layer.calibration());
      assertThat(result.alpha()).isPositive();
      proof.atMost(
          "squared error to rounding, %d bits".formatted(bits),
          result.outputError() / layer.error(nearest, layer.calibration()),
          0.8);
      proof.atMost(
          "the same on inputs not seen, %d bits".formatted(bits),
          layer.error(result.weight(), layer.fresh()) / layer.error(nearest, layer.fresh()),
          0.85);
    }
  }

  @Claim("never-worse")
  @Test
  void an_exponent_of_zero_is_plain_rounding_so_the_search_cannot_lose() {
    RandomGenerator random = random(11);
    var layer = new CalibratedLayer(IN, OUT, random);
    var quantiser = new GroupQuantiser(4, 32);
    Awq.Result plain = new Awq(quantiser, 1).quantise(layer.weight(), layer.calibration());
    assertThat(plain.alpha()).isZero();
    assertThat(plain.scales().toArray()).containsOnly(1);
    assertThat(plain.weight().toArray())
        .isEqualTo(quantiser.roundToNearest(layer.weight()).toArray());
    for (int trial = 0; trial < 5; trial++) {
      Tensor weight = Tensor.gaussian(random, OUT, IN);
      Tensor inputs = Tensor.gaussian(random, 100, IN); // no column is larger than another
      double searched = new Awq(quantiser, 20).quantise(weight, inputs).outputError();
      double nearest = GroupQuantiser.outputError(weight, quantiser.roundToNearest(weight), inputs);
      assertThat(searched).isLessThanOrEqualTo(nearest);
    }
  }

  @Claim("equivalent")
  @Test
  void scales_change_nothing_but_the_rounding(Proof proof) {
    RandomGenerator random = random(12);
    var layer = new CalibratedLayer(IN, OUT, random);
    Tensor scales = awq(4).quantise(layer.weight(), layer.calibration()).scales();
    Tensor x = layer.fresh();
    Tensor folded = x.div(scales).matmulTransposed(layer.weight().mul(scales));
    Tensor plain = x.matmulTransposed(layer.weight());
    proof.atMost("max |Δ|", gap(folded.toArray(), plain.toArray()), 1e-11);
  }

  @Claim("salient")
  @Test
  void the_column_with_the_largest_inputs_is_rounded_most_finely(Proof proof) {
    RandomGenerator random = random(13);
    double[] sizes = new double[IN];
    Arrays.fill(sizes, 1);
    sizes[7] = 30;
    Tensor inputs = Tensor.gaussian(random, 200, IN).mul(Tensor.vector(sizes));
    Tensor weight = Tensor.gaussian(random, OUT, IN);
    var quantiser = new GroupQuantiser(4, 32);
    Awq.Result result = new Awq(quantiser, 20).quantise(weight, inputs);
    double plain = columnError(quantiser.roundToNearest(weight), weight, 7);
    proof.atMost(
        "squared error of that column, scaled / plain",
        columnError(result.weight(), weight, 7) / plain,
        0.5);
    double others =
        columnError(result.weight(), weight, 8)
            / columnError(quantiser.roundToNearest(weight), weight, 8);
    proof.measured("of a column beside it", others);
    proof.measured("α found", result.alpha());
    proof.atMost(
        "squared error of the outputs, scaled / plain",
        result.outputError()
            / GroupQuantiser.outputError(weight, quantiser.roundToNearest(weight), inputs),
        0.6);
  }

  private static double columnError(Tensor rounded, Tensor weight, int column) {
    return rounded.sub(weight).select(1, column).square().sum().item();
  }

  @Claim("one-percent")
  @Test
  void keeping_the_columns_of_largest_inputs_exact_removes_most_of_the_error(Proof proof) {
    RandomGenerator random = random(14);
    double[] sizes = new double[100];
    Arrays.fill(sizes, 1);
    sizes[42] = 30;
    Tensor inputs = Tensor.gaussian(random, 300, 100).mul(Tensor.vector(sizes));
    Tensor weight = Tensor.gaussian(random, OUT, 100);
    double[] rounded = new GroupQuantiser(3, 100).roundToNearest(weight).toArray();
    double all = GroupQuantiser.outputError(weight, Tensor.of(rounded, OUT, 100), inputs);
    for (int i = 0; i < OUT; i++) rounded[i * 100 + 42] = weight.get(i, 42);
    double kept = GroupQuantiser.outputError(weight, Tensor.of(rounded, OUT, 100), inputs);
    proof.atMost("squared error with 1 % of the weights exact / without", kept / all, 0.2);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(
        () -> awq(4).quantise(Tensor.ones(2, 4), Tensor.ones(3, 5)), "inputs", "4", "[3, 5]");
    Refusal.of(() -> awq(4).quantise(Tensor.ones(2), Tensor.ones(3, 2)), "weight", "[2]");
    Refusal.of(() -> new Awq(new GroupQuantiser(4, 32), 0), "gridPoints", "0");
    Tensor zeros = Tensor.zeros(3, 4); // no input reaches any column
    assertThat(awq(4).quantise(Tensor.ones(2, 4), zeros).outputError()).isZero();
  }
}
