package lemma.core.activation;

import static lemma.core.activation.ActivationCases.differentiates;
import static lemma.core.activation.ActivationCases.expectation;
import static lemma.core.activation.ActivationCases.slope;
import static lemma.core.activation.ActivationCases.value;
import static org.assertj.core.api.Assertions.assertThat;

import lemma.core.activation.Activation.Elu;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("elu")
class EluTest {
  private static final Elu ELU = new Elu(1);

  @Claim("alive")
  @Test
  void unit_that_is_negative_on_all_data_moves_and_learns(Proof proof) {
    double[] unit = ActivationCases.train(ELU, 1000);
    assertThat(unit[0] * 0.5 + unit[1]).isPositive();
    proof.atMost("loss after 1000 steps", ActivationCases.loss(ELU, unit), 1e-6);
  }

  @Claim("saturates")
  @Test
  void approaches_minus_alpha_and_its_gradient_vanishes_far_to_the_left(Proof proof) {
    for (double alpha : new double[] {0.5, 1, 2}) {
      var elu = new Elu(alpha);
      proof.atMost("|f(−40) + α|", Math.abs(value(elu, -40) + alpha), 1e-15);
      for (double x = -40; x < 0; x += 0.5) assertThat(slope(elu, x)).isPositive();
      proof.atMost("f′(−40)", slope(elu, -40), 1e-16);
    }
  }

  @Claim("smooth")
  @Test
  void derivative_jumps_at_zero_by_one_minus_alpha_so_only_alpha_1_is_smooth(Proof proof) {
    for (double alpha : new double[] {0.5, 1, 2}) {
      var elu = new Elu(alpha);
      double jump = slope(elu, 1e-12) - slope(elu, -1e-12);
      proof.atMost("|jump − (1 − α)|", Math.abs(jump - (1 - alpha)), 1e-11);
    }
  }

  @Claim("mean")
  @Test
  void mean_output_of_normal_inputs_is_nearer_to_zero_than_that_of_relu(Proof proof) {
    double elu = expectation(x -> value(ELU, x));
    double relu = expectation(x -> value(new Activation.Relu(), x));
    proof.atMost("mean of ELU", elu, 0.17);
    proof.atLeast("mean of ReLU", relu, 0.39);
  }

  @Claim("selu")
  @Test
  void selu_keeps_mean_0_and_variance_1_of_normal_inputs(Proof proof) {
    var selu = new Activation.Selu();
    double mean = expectation(x -> value(selu, x));
    double square = expectation(x -> Math.pow(value(selu, x), 2));
    proof.atMost("|mean|", Math.abs(mean), 1e-6);
    proof.atMost("|variance − 1|", Math.abs(square - mean * mean - 1), 1e-6);
  }

  @Claim("derivative")
  @Test
  void derivative_agrees_with_finite_differences(Proof proof) {
    differentiates(ELU, proof);
    differentiates(new Elu(0.5), proof);
    differentiates(new Activation.Selu(), proof);
  }

  @Claim("parity")
  @GoldenCases(
      value = "core/activations",
      where = "activation",
      in = {"elu", "selu"})
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    ActivationCases.expect(golden, proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new Elu(Double.NaN), "alpha", "NaN");
    Refusal.of(() -> new Elu(Double.POSITIVE_INFINITY), "alpha", "Infinity");
  }
}
