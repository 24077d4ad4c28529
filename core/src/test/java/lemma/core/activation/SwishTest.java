package lemma.core.activation;

import static lemma.core.activation.ActivationCases.argMin;
import static lemma.core.activation.ActivationCases.differentiates;
import static lemma.core.activation.ActivationCases.slope;
import static lemma.core.activation.ActivationCases.value;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import lemma.core.activation.Activation.Swish;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("swish")
class SwishTest {
  private static final double[] BETAS = {0.25, 1, 1.702, 10, 100};

  /// W(1/e), the solution of w·e^w = 1/e, by Newton's method.
  private static double lambertOfInverseE() {
    double w = 0.3;
    for (int i = 0; i < 20; i++) w -= (w - Math.exp(-1 - w)) / (1 + Math.exp(-1 - w));
    return w;
  }

  @Claim("minimum")
  @Test
  void has_one_minimum_whose_place_and_depth_shrink_with_beta(Proof proof) {
    double w = lambertOfInverseE();
    for (double beta : BETAS) {
      var swish = new Swish(beta);
      double at = argMin(x -> value(swish, x), -10 / beta, 0);
      proof.atMost("|β·location + 1 + W(1/e)|", Math.abs(beta * at + 1 + w), 1e-6);
      proof.atMost("|β·value + W(1/e)|", Math.abs(beta * value(swish, at) + w), 1e-12);
      for (double t = -20; t < 20; t += 0.1)
        assertThat(slope(swish, t / beta) > 0).isEqualTo(t > -1 - w);
    }
    proof.measured("location for β = 1", -1 - w);
    proof.measured("value for β = 1", -w);
  }

  @Claim("relu")
  @Test
  void comes_as_near_to_relu_as_one_likes_for_large_beta(Proof proof) {
    double w = lambertOfInverseE();
    for (double beta : BETAS) {
      var swish = new Swish(beta);
      double largest = 0;
      for (double t = -30; t < 30; t += 0.001)
        largest = Math.max(largest, Math.max(t / beta, 0) - value(swish, t / beta));
      // the gap is the depth of the minimum, on both sides of 0; the grid misses it by t²/8 < 1e-6
      proof.atMost("|β·largest gap − W(1/e)|", Math.abs(beta * largest - w), 1e-6);
    }
  }

  @Claim("linear")
  @Test
  void is_half_of_x_for_beta_0() {
    Tensor x = Tensor.gaussian(random(1), 1000);
    assertThat(new Swish(0).apply(x).toArray()).isEqualTo(x.mul(0.5).toArray());
  }

  @Claim("scaling")
  @Test
  void beta_only_changes_the_scale_of_both_axes(Proof proof) {
    Tensor x = Tensor.gaussian(random(2), 1000);
    for (double beta : BETAS)
      proof.atMost(
          "|f_β(x) − SiLU(βx)/β|",
          gap(new Swish(beta).apply(x).toArray(), x.mul(beta).silu().div(beta).toArray()),
          2e-15); // roundings of numbers up to 4
  }

  @Claim("slope")
  @Test
  void slope_exceeds_one_and_is_largest_where_beta_x_is_2_4(Proof proof) {
    double at = argMin(x -> -slope(Swish.SILU, x), 0, 6);
    proof.atMost("|location − 2.3994|", Math.abs(at - 2.3994), 1e-4);
    proof.atLeast("largest slope", slope(Swish.SILU, at), 1.0998);
  }

  @Claim("derivative")
  @Test
  void derivative_agrees_with_finite_differences(Proof proof) {
    for (double beta : new double[] {0, 0.25, 1, 1.702, 4}) differentiates(new Swish(beta), proof);
    differentiates(new Activation.Mish(), proof);
    differentiates(new Activation.HardSwish(), proof);
    differentiates(new Activation.Softplus(), proof);
    differentiates(new Activation.Sigmoid(), proof);
    differentiates(new Activation.Tanh(), proof);
  }

  @Claim("parity")
  @GoldenCases(
      value = "core/activations",
      where = "activation",
      in = {"silu", "swish", "hardswish", "mish", "sigmoid", "tanh", "softplus"})
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    ActivationCases.expect(golden, proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new Swish(Double.NaN), "beta", "NaN");
    Refusal.of(() -> new Swish(Double.POSITIVE_INFINITY), "beta", "Infinity");
  }
}
