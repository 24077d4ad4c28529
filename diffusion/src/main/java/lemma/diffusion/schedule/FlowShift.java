package lemma.diffusion.schedule;

/// Spends more of the sampling steps at high noise, as large images need.
///
/// ```
/// σ(t) = shift / (shift + (1/t − 1)^exponent)        with exponent 1: shift·t / (1 + (shift − 1)·t)
/// ```
///
/// At the same σ a larger image is easier to see through its noise: neighbouring pixels agree, and
/// averaging m pixels leaves noise σ/√m. A shift of √(m/n) gives an image of m pixels the
/// uncertainty at which one of n pixels was trained.
///
/// Esser et al. 2024, eq. 23, arXiv:2403.03206.
public record FlowShift(double shift, double exponent) {

  public FlowShift {
    if (!(shift > 0 && shift < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("shift must be positive and finite, was " + shift);
    if (!(exponent > 0))
      throw new IllegalArgumentException("exponent must be positive, was " + exponent);
  }

  public FlowShift(double shift) {
    this(shift, 1);
  }

  /// √(m/n) for an image of m pixels and a model that was tuned at n.
  public static FlowShift resolution(double trainedPixels, double pixels) {
    if (!(trainedPixels > 0 && pixels > 0))
      throw new IllegalArgumentException(
          "pixels must be positive, were %s and %s".formatted(trainedPixels, pixels));
    return new FlowShift(Math.sqrt(pixels / trainedPixels));
  }

  /// FLUX: shift = e^μ.
  public static FlowShift flux(double mu) {
    return new FlowShift(Math.exp(mu));
  }

  /// FLUX: μ on the line through 256 tokens at `base` and 4096 tokens at `max` (0.5 and 1.15).
  public static double fluxMu(int tokens, double base, double max) {
    double slope = (max - base) / (4096 - 256);
    return slope * tokens + base - slope * 256;
  }

  /// σ(t).
  ///
  /// @throws IllegalArgumentException if `t` is outside [0, 1]
  public double sigma(double t) {
    if (!(t >= 0 && t <= 1)) throw new IllegalArgumentException("t must lie in [0, 1], was " + t);
    return shift / (shift + Math.pow(1 / t - 1, exponent));
  }

  /// σ of every t.
  public double[] sigmas(double... t) {
    double[] sigmas = new double[t.length];
    for (int i = 0; i < t.length; i++) sigmas[i] = sigma(t[i]);
    return sigmas;
  }

  /// The grid of FLUX: 1, 1 − 1/steps, …, 0, shifted.
  public double[] grid(int steps) {
    return sigmas(spaced(1, 0, steps + 1));
  }

  /// `count` numbers from `first` to `last`, both included.
  ///
  /// @throws IllegalArgumentException if `count` is not positive
  public static double[] spaced(double first, double last, int count) {
    if (count < 1) throw new IllegalArgumentException("count must be 1 or more, was " + count);
    double[] values = new double[count];
    for (int i = 0; i < count; i++)
      values[i] = i == 0 ? first : first + (last - first) * i / (count - 1);
    return values;
  }
}
