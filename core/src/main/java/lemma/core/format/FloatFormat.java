package lemma.core.format;

/// A binary floating-point format of at most 32 bits: sign, exponent, mantissa.
///
/// ```
/// x = (−1)ˢ · 1.m · 2^(e − bias)        0 < e < 2^E − 1, bias = 2^(E−1) − 1
/// x = (−1)ˢ · 0.m · 2^(1 − bias)        e = 0: subnormal
/// ```
///
/// | format | E | M | largest | ε = 2⁻ᴹ | smallest normal | smallest |
/// |---|---|---|---|---|---|---|
/// | `F32` | 8 | 23 | 3.4·10³⁸ | 1.2·10⁻⁷ | 2⁻¹²⁶ | 2⁻¹⁴⁹ |
/// | `F16` | 5 | 10 | 65 504 | 9.8·10⁻⁴ | 2⁻¹⁴ | 2⁻²⁴ |
/// | `BF16` | 8 | 7 | 3.4·10³⁸ | 7.8·10⁻³ | 2⁻¹²⁶ | 2⁻¹³³ |
///
/// Every value of a narrow format is a float, so widening is exact. Narrowing rounds to the nearest
/// value, to the one with an even mantissa if two are equally near.
///
/// IEEE 754-2019, sections 3.4 and 4.3.1. Answer: `quantization/float-formats.md`.
public enum FloatFormat {
  F32(8, 23),
  F16(5, 10),
  BF16(8, 7);

  private final int exponentBits;
  private final int mantissaBits;

  FloatFormat(int exponentBits, int mantissaBits) {
    this.exponentBits = exponentBits;
    this.mantissaBits = mantissaBits;
  }

  /// Bytes of one value.
  public int bytes() {
    return (1 + exponentBits + mantissaBits) / 8;
  }

  /// Distance from 1 to the next larger value.
  public double epsilon() {
    return Math.scalb(1.0, -mantissaBits);
  }

  /// The smallest value with all bits of precision.
  public double smallestNormal() {
    return Math.scalb(1.0, 1 - bias());
  }

  /// The smallest value above 0.
  public double smallest() {
    return Math.scalb(1.0, 1 - bias() - mantissaBits);
  }

  /// The largest finite value.
  public double largest() {
    return (2 - epsilon()) * Math.scalb(1.0, bias());
  }

  private int bias() {
    return (1 << (exponentBits - 1)) - 1;
  }

  /// The nearest value of this format: a multiple of the spacing at `x`, or ±∞ past the largest.
  /// The formula that the fast forms are judged by.
  public double round(double x) {
    if (Double.isNaN(x) || Double.isInfinite(x)) return x;
    int exponent = Math.max(Math.getExponent(x), 1 - bias()); // subnormals share one spacing
    double spacing = Math.scalb(1.0, exponent - mantissaBits);
    double nearest = Math.rint(x / spacing) * spacing; // rint: ties to even
    return Math.abs(nearest) <= largest() ? nearest : Math.copySign(Double.POSITIVE_INFINITY, x);
  }

  /// The bits of the nearest value, in the low bits; those of a NaN for a NaN.
  public int narrow(float x) {
    return switch (this) {
      case F32 -> Float.floatToRawIntBits(x);
      case F16 -> Float.floatToFloat16(x) & 0xFFFF;
      case BF16 -> narrowToBf16(Float.floatToRawIntBits(x));
    };
  }

  /// A bfloat16 is the upper half of a float. Adding just under half of its last place, or exactly
  /// half where the last kept bit is 1, carries into the upper half when it must round up.
  private static int narrowToBf16(int bits) {
    boolean nan = (bits & 0x7FFFFFFF) > 0x7F800000;
    if (nan) return bits >>> 16 | 0x40; // quiet: the lower half may have held the only set bit
    return (bits + 0x7FFF + (bits >>> 16 & 1)) >>> 16;
  }

  /// The value of these bits.
  public float widen(int bits) {
    return switch (this) {
      case F32 -> Float.intBitsToFloat(bits);
      case F16 -> Float.float16ToFloat((short) bits);
      case BF16 -> Float.intBitsToFloat(bits << 16);
    };
  }
}
