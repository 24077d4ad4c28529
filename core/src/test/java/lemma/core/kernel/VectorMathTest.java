package lemma.core.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.junit.jupiter.api.Test;

/// The exponential of lanes against the exact one.
class VectorMathTest {
  private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;

  private static float exp(float x) {
    return VectorMath.exp(FloatVector.broadcast(LANES, x)).lane(0);
  }

  @Test
  void exp_is_within_two_units_in_the_last_place() {
    for (float x = -86.9f; x < 88.7228f; x += 0.00137f) {
      double exact = Math.exp(x);
      double ulps = Math.abs(exp(x) - exact) / Math.ulp((float) exact);
      assertThat(ulps).as("exp(%s)", x).isLessThan(2);
    }
  }

  @Test
  void exp_ends_in_zero_and_infinity_and_keeps_nan() {
    assertThat(exp(0)).isEqualTo(1);
    assertThat(exp(-0f)).isEqualTo(1);
    assertThat(exp(-87)).isZero();
    assertThat(exp(-3e38f)).isZero();
    assertThat(exp(Float.NEGATIVE_INFINITY)).isZero();
    assertThat(exp(88.7228f)).isLessThanOrEqualTo(Float.MAX_VALUE);
    assertThat(exp(88.73f)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(exp(Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(exp(Float.NaN)).isNaN();
  }

  @Test
  void sum_adds_every_lane_once() {
    float[] powers = new float[LANES.length()];
    for (int i = 0; i < powers.length; i++) powers[i] = 1 << (i % 20);
    float expected = 0;
    for (float power : powers) expected += power; // exact in a float
    assertThat(VectorMath.sum(FloatVector.fromArray(LANES, powers, 0))).isEqualTo(expected);
  }
}
