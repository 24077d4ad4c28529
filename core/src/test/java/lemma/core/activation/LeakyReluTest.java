package lemma.core.activation;

import static lemma.core.activation.ActivationCases.differentiates;
import static lemma.core.activation.ActivationCases.slope;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import lemma.core.activation.Activation.LeakyRelu;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("leaky-relu")
class LeakyReluTest {

  @Claim("alive")
  @Test
  void unit_that_is_negative_on_all_data_moves_and_learns_where_that_of_relu_does_not(Proof proof) {
    var leaky = new LeakyRelu(0.1);
    double[] unit = ActivationCases.train(leaky, 1000);
    assertThat(unit[0] * 0.5 + unit[1]).isPositive(); // to the right of 0 for every input
    proof.atMost("loss after 1000 steps", ActivationCases.loss(leaky, unit), 1e-6);
    var relu = new Activation.Relu();
    proof.atLeast(
        "loss with ReLU",
        ActivationCases.loss(relu, ActivationCases.train(relu, 1000)),
        0.5); // ½·(0 − 1)²
  }

  @Claim("slope")
  @Test
  void derivative_to_the_left_is_the_slope_everywhere(Proof proof) {
    for (double slope : new double[] {0.01, 0.2, 1}) {
      var leaky = new LeakyRelu(slope);
      for (double x : new double[] {-1e-300, -0.5, -1000, 0})
        assertThat(slope(leaky, x)).isEqualTo(slope);
      differentiates(leaky, proof);
    }
  }

  @Claim("family")
  @Test
  void is_relu_the_identity_or_the_absolute_value_for_slopes_0_1_and_minus_1() {
    Tensor x = Tensor.gaussian(random(1), 1000);
    assertThat(new LeakyRelu(0).apply(x).add(0).toArray()).isEqualTo(x.relu().toArray());
    assertThat(new LeakyRelu(1).apply(x).toArray()).isEqualTo(x.toArray());
    assertThat(new LeakyRelu(-1).apply(x).toArray()).isEqualTo(x.abs().toArray());
  }

  @Claim("maximum")
  @Test
  void is_the_larger_of_x_and_slope_times_x_for_slopes_up_to_1() {
    Tensor x = Tensor.gaussian(random(2), 1000);
    for (double slope : new double[] {0.01, 0.5, 1})
      assertThat(new LeakyRelu(slope).apply(x).toArray())
          .isEqualTo(x.maximum(x.mul(slope)).toArray());
  }

  @Claim("parity")
  @GoldenCases(
      value = "core/activations",
      where = "activation",
      in = {"leaky_relu"})
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    ActivationCases.expect(golden, proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new LeakyRelu(Double.NaN), "slope", "NaN");
    Refusal.of(() -> new LeakyRelu(Double.NEGATIVE_INFINITY), "slope", "-Infinity");
  }
}
