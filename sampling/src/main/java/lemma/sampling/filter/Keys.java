package lemma.sampling.filter;

/// A logit and its token in one `long` whose natural order is falling logit, then rising token.
///
/// The bits of a float rise with its value if it is positive and fall if it is negative; flipping
/// the others makes them rise throughout.
final class Keys {
  private Keys() {}

  static long of(float logit, int token) {
    int bits = Float.floatToRawIntBits(logit + 0f); // −0 becomes 0
    int rising = bits ^ (bits >> 31 & Integer.MAX_VALUE);
    return (long) ~rising << 32 | token;
  }

  static int token(long key) {
    return (int) key;
  }

  static float logit(long key) {
    int rising = ~(int) (key >> 32);
    return Float.intBitsToFloat(rising ^ (rising >> 31 & Integer.MAX_VALUE));
  }
}
