package lemma.sampling.filter;

/// Cuts where the sorted probabilities stop bending: at a share z of their total curvature.
///
/// ```
/// sort by falling P;   d₂(r) = |P(r) − 2 P(r+1) + P(r+2)|,   r = 0 … V − 3
/// keep rank 0, and rank r ≥ 1 while d₂(0) + … + d₂(r−1) ≤ z · Σ d₂
/// ```
///
/// The last rank has no curvature of its own and always goes, even at z = 1. Equals go by rising id.
///
/// Phénix & Egan 2019, *Tail Free Sampling*. Answer: `sampling/top-a.md`.
public record TailFree(double z) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `z` is outside [0, 1]
  public TailFree {
    if (!(z >= 0 && z <= 1)) throw new IllegalArgumentException("z must be in [0, 1], was " + z);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    double[] p = Logits.softmax(logits);
    int[] order = Logits.descending(logits);
    double[] bend = new double[Math.max(0, order.length - 2)]; // cumulated second differences
    double total = 0;
    for (int r = 0; r < bend.length; r++)
      bend[r] = total += Math.abs(p[order[r]] - 2 * p[order[r + 1]] + p[order[r + 2]]);
    int count = 1;
    while (count <= bend.length && bend[count - 1] <= z * total) count++;
    return Logits.keepFirst(logits, order, count);
  }
}
