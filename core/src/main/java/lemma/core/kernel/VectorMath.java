package lemma.core.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// Functions of vectors of floats that the hardware lacks.
///
/// Only the `Vectorised` forms of kernels may name this class: it needs the Vector API.
public final class VectorMath {
  private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
  private static final VectorShuffle<Float> BY_8 = VectorShuffle.iota(LANES, 8, 1, true);
  private static final VectorShuffle<Float> BY_4 = VectorShuffle.iota(LANES, 4, 1, true);
  private static final VectorShuffle<Float> BY_2 = VectorShuffle.iota(LANES, 2, 1, true);
  private static final VectorShuffle<Float> BY_1 = VectorShuffle.iota(LANES, 1, 1, true);

  private static final float LOG2_E = 1.44269504f;
  private static final float LN_2_HIGH = 0.693359375f; // nine bits: n times it is exact
  private static final float LN_2_LOW = -2.12194440e-4f; // ln 2 − LN_2_HIGH
  private static final float ROUND = 12582912f; // 1.5·2²³: adding it leaves an integer in the bits
  private static final float LEAST = -86.9f; // the result would be below 2⁻¹²⁵
  private static final float MOST = 88.72283f; // ln of the largest float

  private VectorMath() {}

  /// eˣ of every lane to about one unit in the last place; 0 below −86.9, ∞ above 88.72.
  ///
  /// ```
  /// n = round(x·log₂e)     r = x − n·ln 2     eˣ = 2ⁿ · Σ rᵏ/k!,  k ≤ 7,  |r| ≤ ½·ln 2
  /// ```
  ///
  /// The series ends where its rest, r⁸/8! < 6·10⁻⁹, is a tenth of a rounding. NaN stays NaN.
  public static FloatVector exp(FloatVector x) {
    FloatVector shifted = x.mul(LOG2_E).add(ROUND);
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = n.mul(-LN_2_HIGH).add(x).sub(n.mul(LN_2_LOW));
    FloatVector series = r.mul(1 / 5040f).add(1 / 720f);
    series = r.lanewise(VectorOperators.FMA, series, r.broadcast(1 / 120f));
    series = r.lanewise(VectorOperators.FMA, series, r.broadcast(1 / 24f));
    series = r.lanewise(VectorOperators.FMA, series, r.broadcast(1 / 6f));
    series = r.lanewise(VectorOperators.FMA, series, r.broadcast(0.5f));
    series = r.lanewise(VectorOperators.FMA, series, r.broadcast(1f));
    series = r.lanewise(VectorOperators.FMA, series, r.broadcast(1f));
    // 2ⁿ⁻¹ has a normal exponent for every n that is left; the other factor 2 is series + series.
    FloatVector power =
        shifted
            .reinterpretAsInts()
            .add(126)
            .lanewise(VectorOperators.LSHL, 23)
            .reinterpretAsFloats();
    return series
        .add(series)
        .mul(power)
        .blend(0f, x.compare(VectorOperators.LT, LEAST))
        .blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, MOST));
  }

  /// The sum of the lanes of a vector of the preferred species, halves first: always in this order,
  /// which `reduceLanes` does not promise, so that code gives the same bits before and after it is
  /// compiled.
  public static float sum(FloatVector x) {
    FloatVector sum = x;
    for (int by = LANES.length() / 2; by > 8; by /= 2)
      sum = sum.add(sum.rearrange(VectorShuffle.iota(LANES, by, 1, true)));
    if (LANES.length() > 8) sum = sum.add(sum.rearrange(BY_8));
    if (LANES.length() > 4) sum = sum.add(sum.rearrange(BY_4));
    if (LANES.length() > 2) sum = sum.add(sum.rearrange(BY_2));
    return sum.add(sum.rearrange(BY_1)).lane(0);
  }
}
