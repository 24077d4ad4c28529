package lemma.sampling.filter;

/// Keeping what weighs at least a threshold: what the cut-off filters have in common.
final class Cutoff {
  private Cutoff() {}

  /// The logits whose weight reaches `threshold`, and always the `minimum` largest.
  static double[] keep(double[] logits, double[] weights, double threshold, int minimum) {
    int[] order = Logits.descending(logits);
    int count = 0;
    while (count < order.length && (weights[order[count]] >= threshold || count < minimum)) count++;
    return Logits.keepFirst(logits, order, count);
  }

  static void checkEpsilon(double epsilon) {
    if (!(epsilon >= 0 && epsilon < 1))
      throw new IllegalArgumentException("epsilon must be in [0, 1), was " + epsilon);
  }
}
