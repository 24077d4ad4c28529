package lemma.core.activation;

import static lemma.core.activation.ActivationCases.argMin;
import static lemma.core.activation.ActivationCases.differentiates;
import static lemma.core.activation.ActivationCases.expectation;
import static lemma.core.activation.ActivationCases.slope;
import static lemma.core.activation.ActivationCases.value;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.DoubleUnaryOperator;
import lemma.core.activation.Activation.Gelu;
import lemma.core.activation.Activation.GeluTanh;
import lemma.core.activation.Activation.Swish;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import org.junit.jupiter.api.Test;

@Proves("gelu")
class GeluTest {
  private static final Gelu EXACT = new Gelu();
  private static final GeluTanh TANH = new GeluTanh();

  @Claim("gap")
  @Test
  void tanh_form_is_nowhere_further_than_five_ten_thousandths_from_the_exact_one(Proof proof) {
    DoubleUnaryOperator gap = x -> Math.abs(value(EXACT, x) - value(TANH, x));
    double at = largest(gap);
    assertThat(proof.measured("largest gap", gap.applyAsDouble(at))).isBetween(4.72e-4, 4.74e-4);
    proof.measured("at x = ±", Math.abs(at));
  }

  @Claim("quick")
  @Test
  void sigmoid_form_is_forty_times_as_far_off(Proof proof) {
    DoubleUnaryOperator gap = x -> Math.abs(value(EXACT, x) - value(Swish.QUICK_GELU, x));
    double at = largest(gap);
    assertThat(proof.measured("largest gap", gap.applyAsDouble(at))).isBetween(0.0202, 0.0204);
    proof.measured("at x = ±", Math.abs(at));
  }

  /// Where two forms of GELU are furthest from each other, over all reals. Their second derivatives are
  /// below 1, so between points of a grid of 1/1000 the gap exceeds that at the points by less than
  /// 2·10⁻⁶/8; from the best point it is searched for. Outside of ±10 each form is within
  /// |x|·2e^(−1.702·|x|) < 1e-6 of 0 or of x.
  private static double largest(DoubleUnaryOperator gap) {
    double at = 0;
    for (int i = -10_000; i <= 10_000; i++)
      if (gap.applyAsDouble(i / 1000.0) > gap.applyAsDouble(at)) at = i / 1000.0;
    return argMin(x -> -gap.applyAsDouble(x), at - 1e-3, at + 1e-3);
  }

  @Claim("normal")
  @Test
  void is_x_times_the_share_of_the_normal_distribution_below_x(Proof proof) {
    for (double x : new double[] {-1.9995, -0.5005, 0.3005, 1.7005}) { // between points of the grid
      double below = expectation(z -> z < x ? 1 : 0);
      proof.atMost("|f(x) − x·P(z < x)|", Math.abs(value(EXACT, x) - x * below), 1e-6);
    }
  }

  @Claim("odd")
  @Test
  void differs_from_half_of_x_by_an_even_function(Proof proof) {
    Tensor x = Tensor.gaussian(random(1), 1000).mul(3);
    for (Activation form : new Activation[] {EXACT, TANH})
      proof.atMost(
          "|f(x) − f(−x) − x|",
          gap(form.apply(x).sub(form.apply(x.neg())).toArray(), x.toArray()),
          4e-15); // some roundings of numbers up to 10
  }

  @Claim("minimum")
  @Test
  void falls_to_its_minimum_and_rises_again_before_zero(Proof proof) {
    double at = argMin(x -> value(EXACT, x), -3, 0);
    proof.atMost("|location + 0.7518|", Math.abs(at + 0.7518), 1e-4);
    proof.atMost("|value + 0.16997|", Math.abs(value(EXACT, at) + 0.16997), 1e-5);
    proof.measured("location", at);
    proof.measured("value", value(EXACT, at));
  }

  @Claim("slope")
  @Test
  void slope_is_largest_at_root_two_where_it_exceeds_one(Proof proof) {
    double at = argMin(x -> -slope(EXACT, x), 0, 4);
    proof.atMost("|location − √2|", Math.abs(at - Math.sqrt(2)), 1e-6);
    proof.atLeast("largest slope", slope(EXACT, at), 1.128);
  }

  @Claim("tails")
  @Test
  void far_to_the_left_the_exact_form_keeps_its_digits(Proof proof) {
    // x·Φ(x) ≈ −φ(x)·(1 − 1/x² + 3/x⁴ − 15/x⁶), off by less than the next term, 105/x⁸
    for (double x = -20; x <= -10; x += 0.5) {
      double x2 = x * x;
      double density = Math.exp(-x2 / 2) / Math.sqrt(2 * Math.PI);
      double series = -density * (1 - 1 / x2 + 3 / (x2 * x2) - 15 / (x2 * x2 * x2));
      proof.atMost("relative error", Math.abs(value(EXACT, x) / series - 1), 105 / Math.pow(x, 8));
    }
    assertThat(value(EXACT, -1000)).isZero();
    assertThat(value(EXACT, 1000)).isEqualTo(1000);
    assertThat(value(EXACT, Double.NaN)).isNaN();
  }

  @Claim("derivative")
  @Test
  void derivative_of_each_form_agrees_with_finite_differences(Proof proof) {
    differentiates(EXACT, proof);
    differentiates(TANH, proof);
    differentiates(Swish.QUICK_GELU, proof);
  }

  @Claim("parity")
  @GoldenCases(
      value = "core/activations",
      where = "activation",
      in = {"gelu", "gelu_tanh", "gelu_new", "quick_gelu"})
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    ActivationCases.expect(golden, proof);
  }
}
