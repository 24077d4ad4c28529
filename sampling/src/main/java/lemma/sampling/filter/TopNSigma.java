package lemma.sampling.filter;

/// Keeps the logits within n standard deviations of the largest.
///
/// ```
/// keep i  ⇔  xᵢ ≥ max x − n · σ,   σ = standard deviation of the logits that are not removed
/// ```
///
/// Most logits are noise around a mean; what stands out of it is meant. Dividing all logits by T
/// divides max x and σ alike, so unlike top-p the set does not depend on a temperature before it.
/// n = 0 is off.
///
/// Tang et al. 2024, algorithm 1, arXiv:2411.07641. Answer: `sampling/top-a.md`.
public record TopNSigma(double n) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `n` is negative or not finite
  public TopNSigma {
    if (!(n >= 0 && n < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("n must be 0 (keep all) or more, was " + n);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    double max = Logits.check(logits);
    if (n == 0) return logits.clone();
    return Cutoff.keep(logits, logits, max - n * deviation(logits), 1);
  }

  /// √(mean (x − mean x)²), with the divisor N.
  private static double deviation(double[] logits) {
    int[] kept = Logits.kept(logits);
    double mean = 0;
    for (int i : kept) mean += logits[i] / kept.length;
    double variance = 0;
    for (int i : kept) variance += (logits[i] - mean) * (logits[i] - mean) / kept.length;
    return Math.sqrt(variance);
  }
}
