package lemma.core.activation;

import static lemma.core.activation.ActivationCases.differentiates;
import static lemma.core.activation.ActivationCases.expectation;
import static lemma.core.activation.ActivationCases.slope;
import static lemma.core.activation.ActivationCases.value;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import org.junit.jupiter.api.Test;

@Proves("relu")
class ReluTest {
  private static final Activation RELU = new Activation.Relu();

  @Claim("dead")
  @Test
  void unit_that_is_negative_on_all_data_has_no_gradient_and_never_moves(Proof proof) {
    double[] unit = ActivationCases.train(RELU, 1000);
    assertThat(unit).containsExactly(1, -4);
    proof.measured("loss after 1000 steps", ActivationCases.loss(RELU, unit));
  }

  @Claim("half")
  @Test
  void gradient_through_random_layers_halves_its_power_in_each_unless_weights_make_up_for_it(
      Proof proof) {
    int dim = 256;
    int layers = 20;
    for (double gain : new double[] {1, 2}) { // variance of a weight: gain / dim
      RandomGenerator random = random(1);
      Tensor x = Tensor.gaussian(random, 1, dim).parameter();
      Tensor y = x;
      for (int layer = 0; layer < layers; layer++)
        y = RELU.apply(y.matmul(Tensor.gaussian(random, dim, dim).mul(Math.sqrt(gain / dim))));
      Tensor seed = Tensor.gaussian(random, 1, dim);
      double power = y.backward(seed).of(x).square().mean().item();
      double perLayer = Math.pow(power, 1.0 / layers);
      // the mean of 20 layers of 256 units: each has a standard error of some 1.5/√256 = 9 %
      proof.atMost(
          "|power per layer − gain/2|, gain %.0f".formatted(gain),
          Math.abs(perLayer - gain / 2),
          0.05 * gain);
    }
  }

  @Claim("he")
  @Test
  void keeps_half_of_the_mean_square_of_a_symmetric_input(Proof proof) {
    proof.atMost(
        "|E[f²] − ½|", Math.abs(expectation(x -> Math.pow(value(RELU, x), 2)) - 0.5), 1e-6);
    proof.atMost(
        "|E[f] − 1/√(2π)|",
        Math.abs(expectation(x -> value(RELU, x)) - 1 / Math.sqrt(2 * Math.PI)),
        1e-6);
  }

  @Claim("homogeneous")
  @Test
  void scaling_the_input_scales_the_output() {
    Tensor x = Tensor.gaussian(random(2), 1000);
    for (double scale : new double[] {0.5, 2, 1024}) // powers of two: nothing is rounded
    assertThat(RELU.apply(x.mul(scale)).toArray()).isEqualTo(RELU.apply(x).mul(scale).toArray());
  }

  @Claim("derivative")
  @Test
  void derivative_is_one_to_the_right_and_zero_to_the_left_and_at_zero(Proof proof) {
    differentiates(RELU, proof);
    differentiates(new Activation.SquaredRelu(), proof);
    assertThat(slope(RELU, 0)).isZero();
    assertThat(slope(RELU, Double.MIN_VALUE)).isEqualTo(1);
  }

  @Claim("extremes")
  @Test
  void infinity_passes_and_nan_is_not_hidden() {
    assertThat(RELU.apply(Tensor.vector(1 / 0.0, -1 / 0.0, Double.NaN, -0.0)).toArray())
        .containsExactly(1 / 0.0, 0, Double.NaN, 0);
  }

  @Claim("parity")
  @GoldenCases(
      value = "core/activations",
      where = "activation",
      in = {"relu", "relu2"})
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    ActivationCases.expect(golden, proof);
  }
}
