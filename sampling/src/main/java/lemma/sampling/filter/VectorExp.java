package lemma.sampling.filter;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/// e^(−d/T) on lanes, for distances d ≥ 0 below a maximum: thirteen operations.
///
/// ```
/// e^(−d/T) = 2^(−d·c) = 2^k · 2^r,   c = log₂e / T,   k = round(−d·c),   |r| ≤ ½
/// ```
///
/// `k` is rounded by adding 1.5·2²³, whose last place is one, and goes into the exponent's bits by a
/// shift. `c` is kept in two floats and d·c is formed exactly by fused multiply-adds, so `r` is
/// exact to an ulp. 2^r is a polynomial of degree 5 with p(0) = 1 and relative error 1.02e-7.
///
/// With roundings the result is within 2.5e-7 of e^(−d/T) for d/T ≤ 86, about two units in the last
/// place; beyond 87 it stays at e⁻⁸⁷.
final class VectorExp {
  private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
  private static final double LARGEST_DISTANCE = 87;
  private static final double LOG2_E = 1.4426950408889634;
  private static final float ROUNDER = 0x1.8p23f;
  private static final float C1 = 0x1.62e42ap-1f;
  private static final float C2 = 0x1.ebf9bep-3f;
  private static final float C3 = 0x1.c6b74ep-5f;
  private static final float C4 = 0x1.3cea8cp-7f;
  private static final float C5 = 0x1.5bba12p-10f;

  private final float minusC;
  private final float minusRestOfC;
  private final float limit;

  VectorExp(double temperature) {
    double c = LOG2_E / temperature;
    minusC = (float) -c;
    minusRestOfC = (float) (-c - minusC);
    limit = (float) (LARGEST_DISTANCE * temperature);
  }

  /// e^(−d/T), at least e⁻⁸⁷; every d is 0 or more.
  FloatVector ofMinus(FloatVector d) {
    FloatVector near = // floats of 0 and more are ordered as their bits
        d.viewAsIntegralLanes()
            .lanewise(VectorOperators.MIN, Float.floatToRawIntBits(limit))
            .viewAsFloatingLanes();
    FloatVector rounded = near.fma(broadcast(minusC), broadcast(ROUNDER));
    FloatVector r = near.fma(broadcast(minusC), broadcast(ROUNDER).sub(rounded));
    r = near.fma(broadcast(minusRestOfC), r);
    FloatVector p = broadcast(C5).fma(r, broadcast(C4));
    p = p.fma(r, broadcast(C3));
    p = p.fma(r, broadcast(C2));
    p = p.fma(r, broadcast(C1));
    p = p.fma(r, broadcast(1));
    var exponent = rounded.viewAsIntegralLanes().lanewise(VectorOperators.LSHL, 23);
    return p.viewAsIntegralLanes().add(exponent).viewAsFloatingLanes();
  }

  /// The same with 0 beyond 87·T, so that a removed token (d = ∞) has probability 0.
  FloatVector ofMinusOrZero(FloatVector d) {
    return ofMinus(d).blend(0, d.compare(VectorOperators.GT, limit));
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(LANES, value);
  }
}
