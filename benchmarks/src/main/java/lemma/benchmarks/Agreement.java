package lemma.benchmarks;

/// A fast form that is wrong must not win: results are held against the formula before timing.
final class Agreement {
  private Agreement() {}

  static void check(String form, float[] got, double[] expected, double tolerance) {
    double largest = Double.MIN_NORMAL;
    for (double value : expected) largest = Math.max(largest, Math.abs(value));
    if (got.length != expected.length)
      throw new IllegalStateException(form + " gave " + got.length + " numbers");
    for (int i = 0; i < expected.length; i++)
      if (!(Math.abs(got[i] - expected[i]) <= tolerance * largest))
        throw new IllegalStateException(
            "%s[%d] is %s, the formula has %s".formatted(form, i, got[i], expected[i]));
  }
}
