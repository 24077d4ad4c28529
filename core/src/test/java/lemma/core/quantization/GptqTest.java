package lemma.core.quantization;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Proves("gptq")
class GptqTest {
  private static final int IN = 64;
  private static final int OUT = 32;

  private static Gptq gptq(int bits, int groupSize, boolean activationOrder) {
    return new Gptq(new GroupQuantiser(bits, groupSize), 0.01, activationOrder);
  }

  @Claim("output-error")
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void outputs_are_closer_than_with_rounding_to_nearest(int bits, Proof proof) {
    RandomGenerator random = random(bits);
    for (int trial = 0; trial < 5; trial++) {
      var layer = new CalibratedLayer(IN, OUT, random);
      Tensor nearest = new GroupQuantiser(bits, 32).roundToNearest(layer.weight());
      Tensor corrected = gptq(bits, 32, true).quantise(layer.weight(), layer.calibration());
      double ratio =
          layer.error(corrected, layer.calibration()) / layer.error(nearest, layer.calibration());
      proof.atMost("squared error to rounding, %d bits".formatted(bits), ratio, 0.6);
      double fresh = layer.error(corrected, layer.fresh()) / layer.error(nearest, layer.fresh());
      proof.atMost("the same on inputs not seen, %d bits".formatted(bits), fresh, 0.7);
    }
  }

  @Claim("weight-error")
  @Test
  void weights_themselves_are_farther_away_than_rounded_ones(Proof proof) {
    var layer = new CalibratedLayer(IN, OUT, random(11));
    Tensor nearest = new GroupQuantiser(3, 32).roundToNearest(layer.weight());
    Tensor corrected = gptq(3, 32, false).quantise(layer.weight(), layer.calibration());
    double ofNearest = nearest.sub(layer.weight()).square().mean().item();
    double ofGptq = corrected.sub(layer.weight()).square().mean().item();
    proof.atLeast("squared error of the weights to rounding", ofGptq / ofNearest, 1.05);
  }

  @Claim("white-inputs")
  @ParameterizedTest
  @ValueSource(ints = {8, 64})
  void inputs_without_correlation_leave_plain_rounding(int groupSize) {
    double[] data = new double[IN * IN];
    for (int i = 0; i < IN; i++) data[i * IN + i] = 1 + i; // one input at a time
    Tensor inputs = Tensor.of(data, IN, IN);
    Tensor weight = Tensor.gaussian(random(12), OUT, IN);
    Tensor nearest = new GroupQuantiser(4, groupSize).roundToNearest(weight);
    assertThat(gptq(4, groupSize, false).quantise(weight, inputs).toArray())
        .isEqualTo(nearest.toArray());
  }

  @Claim("least-squares")
  @Test
  void what_follows_a_rounded_column_is_moved_to_its_best_place(Proof proof) {
    RandomGenerator random = random(13);
    int moved = 0;
    for (int trial = 0; trial < 200; trial++) {
      Tensor inputs = Tensor.gaussian(random, 40, 2).matmul(Tensor.gaussian(random, 2, 2));
      inputs = inputs.mul(Tensor.vector(4, 1)); // the first column weighs more
      Tensor weight = Tensor.gaussian(random, 1, 2);
      var quantiser = new GroupQuantiser(3, 2);
      GroupQuantiser.Grid grid = quantiser.grid(weight.toArray());
      double error = weight.get(0, 0) - grid.round(weight.get(0, 0));
      double xx = inputs.select(1, 1).square().sum().item();
      double xy = inputs.select(1, 0).mul(inputs.select(1, 1)).sum().item();
      double best = weight.get(0, 1) + xy / xx * error; // argmin of the outputs' squared error
      Tensor got = new Gptq(quantiser, 0, false).quantise(weight, inputs);
      assertThat(got.get(0, 1)).isEqualTo(grid.round(best));
      if (grid.round(best) != grid.round(weight.get(0, 1))) moved++;
    }
    proof.atLeast("of 200 columns rounded to another level", moved, 30);
  }

  @Claim("activation-order")
  @Test
  void columns_with_large_inputs_first_lower_the_error(Proof proof) {
    RandomGenerator random = random(14);
    double inOrder = 0;
    double ofFile = 0;
    for (int trial = 0; trial < 10; trial++) {
      var layer = new CalibratedLayer(IN, OUT, random);
      double scale = 1 / layer.error(layer.weight().mul(0), layer.calibration());
      inOrder +=
          scale
              * layer.error(
                  gptq(3, IN, true).quantise(layer.weight(), layer.calibration()),
                  layer.calibration());
      ofFile +=
          scale
              * layer.error(
                  gptq(3, IN, false).quantise(layer.weight(), layer.calibration()),
                  layer.calibration());
    }
    proof.atMost("squared error to the order of the file", inOrder / ofFile, 0.9);
  }

  @Claim("group-size")
  @Test
  void smaller_groups_lower_the_error(Proof proof) {
    var layer = new CalibratedLayer(IN, OUT, random(15));
    double before = Double.MAX_VALUE;
    for (int groupSize : new int[] {64, 32, 16, 8}) {
      Tensor got = gptq(3, groupSize, false).quantise(layer.weight(), layer.calibration());
      double error = layer.error(got, layer.calibration());
      proof.measured(
          "relative squared error, groups of " + groupSize,
          error / layer.error(layer.weight().mul(0), layer.calibration()));
      assertThat(error).isLessThan(before);
      before = error;
    }
  }

  @Claim("factor")
  @Test
  void factors_multiply_to_the_matrix_and_its_inverse(Proof proof) {
    RandomGenerator random = random(16);
    for (int n : new int[] {1, 2, 17, 40}) {
      Tensor x = Tensor.gaussian(random, 2 * n, n);
      Tensor a = x.transpose(0, 1).matmul(x);
      Tensor u = Tensor.of(Cholesky.upper(rows(a)));
      proof.atMost("‖UᵀU − A‖", gap(u.transpose(0, 1).matmul(u).toArray(), a.toArray()), 1e-11 * n);
      Tensor inverse = Tensor.of(Cholesky.inverse(rows(a)));
      proof.atMost("‖A·A⁻¹ − I‖", gap(a.matmul(inverse).toArray(), Tensor.eye(n).toArray()), 1e-9);
    }
  }

  private static double[][] rows(Tensor matrix) {
    double[][] rows = new double[matrix.size(0)][];
    for (int i = 0; i < rows.length; i++) rows[i] = matrix.select(0, i).toArray();
    return rows;
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Tensor weight = Tensor.ones(2, 4);
    Gptq gptq = new Gptq(new GroupQuantiser(4, 4), 0, false);
    Refusal.of(() -> gptq.quantise(weight, Tensor.ones(3, 5)), "inputs", "4", "[3, 5]");
    Refusal.of(() -> gptq.quantise(weight, Tensor.ones(3, 4)), "positive definite", "samples");
    Refusal.of(() -> gptq.quantise(Tensor.ones(4), Tensor.ones(3, 4)), "weight", "[4]");
    Refusal.of(
        () -> gptq.quantise(Tensor.full(Double.NaN, 2, 4), Tensor.ones(3, 4)), "weight", "NaN");
    Refusal.of(() -> new Gptq(new GroupQuantiser(4, 4), -1, false), "dampening", "-1");
    Refusal.of(() -> new GroupQuantiser(1, 4), "bits", "1");
    Refusal.of(() -> new GroupQuantiser(9, 4), "bits", "9");
    Refusal.of(() -> new GroupQuantiser(4, 0), "groupSize", "0");
  }
}
