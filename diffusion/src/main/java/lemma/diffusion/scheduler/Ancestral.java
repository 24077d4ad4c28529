package lemma.diffusion.scheduler;

/// A stride split in two: deterministic down below the next level, then fresh noise up to it.
///
/// ```
/// up = min(σₛ, η·√(σₛ²·(σₜ² − σₛ²) / σₜ²))        down = √(σₛ² − up²)
/// ```
///
/// η = 1 is DDPM's posterior, η = 0 adds no noise.
public record Ancestral(double down, double up) {

  /// From noise level `from` to the lower `to`.
  public static Ancestral of(double from, double to, double eta) {
    double up = Math.min(to, eta * Math.sqrt(to * to * (from * from - to * to) / (from * from)));
    return new Ancestral(Math.sqrt(Math.max(0, to * to - up * up)), up);
  }

  static void checkEta(double eta) {
    if (!(eta >= 0 && eta <= 1))
      throw new IllegalArgumentException("eta must lie in [0, 1], was " + eta);
  }

  static void checkNoiseScale(double noiseScale) {
    if (!(noiseScale >= 0))
      throw new IllegalArgumentException("noiseScale must be 0 or more, was " + noiseScale);
  }
}
