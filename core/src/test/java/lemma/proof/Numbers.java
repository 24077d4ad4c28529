package lemma.proof;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// What proofs need again and again: seeded random numbers, float ↔ double, and gaps.
public final class Numbers {
  private Numbers() {}

  /// The generator of the proofs, named so that a seed gives the same numbers on every JDK.
  public static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(seed);
  }

  public static double[] gaussian(int count, RandomGenerator random) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) values[i] = random.nextGaussian();
    return values;
  }

  public static double[] full(int count, double value) {
    double[] values = new double[count];
    Arrays.fill(values, value);
    return values;
  }

  public static double[] times(double[] values, double scale) {
    return Arrays.stream(values).map(value -> value * scale).toArray();
  }

  public static float[] floats(double[] values) {
    float[] result = new float[values.length];
    for (int i = 0; i < values.length; i++) result[i] = (float) values[i];
    return result;
  }

  public static double[] doubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) result[i] = values[i];
    return result;
  }

  /// Largest |got − expected|; NaN against a number is NaN, equal infinities are no gap.
  public static double gap(double[] got, double[] expected) {
    if (got.length != expected.length)
      throw new IllegalArgumentException(got.length + " numbers against " + expected.length);
    double worst = 0;
    for (int i = 0; i < expected.length; i++)
      if (got[i] != expected[i]) worst = Math.max(worst, Math.abs(got[i] - expected[i]));
    return worst;
  }

  /// [#gap] relative to the largest expected magnitude.
  public static double relativeGap(double[] got, double[] expected) {
    double largest = Double.MIN_NORMAL;
    for (double value : expected) largest = Math.max(largest, Math.abs(value));
    return gap(got, expected) / largest;
  }
}
