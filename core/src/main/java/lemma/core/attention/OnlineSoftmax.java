package lemma.core.attention;

import java.util.Arrays;

/// Softmax and the mean that it weighs in one pass: scores arrive in blocks, none is kept.
///
/// ```
/// m' = max(m, max s)
/// l' = l·exp(m − m') + Σ exp(sⱼ − m')
/// o' = o·exp(m − m') + Σ exp(sⱼ − m')·vⱼ            result: o / l
/// ```
///
/// What was summed under the old maximum is brought under the new one by a single factor, so the
/// result does not depend on the blocks. It is what lets attention run without a row of scores.
///
/// Milakov & Gimelshein 2018, algorithm 3, arXiv:1805.02867; Dao et al. 2022, algorithm 1,
/// arXiv:2205.14135. Answer: `attention/scaled-dot-product.md`.
///
/// @param max the largest score so far, −∞ at first
/// @param sum l, the sum of exponentials under `max`
/// @param mixed o, the sum of weighted values under `max`; shared, nobody writes to it
public record OnlineSoftmax(double max, double sum, double[] mixed) {

  /// Nothing seen yet.
  ///
  /// @throws IllegalArgumentException if `valueDim` is negative
  public static OnlineSoftmax start(int valueDim) {
    if (valueDim < 0)
      throw new IllegalArgumentException("valueDim must be 0 or more, was " + valueDim);
    return new OnlineSoftmax(Double.NEGATIVE_INFINITY, 0, new double[valueDim]);
  }

  /// The state after a block of scores and their values, `values[j]` belonging to `scores[j]`.
  ///
  /// @throws IllegalArgumentException if there are not as many values as scores, or they have
  ///     another size
  public OnlineSoftmax absorb(double[] scores, double[][] values) {
    if (scores.length != values.length)
      throw new IllegalArgumentException(
          scores.length + " scores for " + values.length + " values");
    double newMax = Math.max(max, Arrays.stream(scores).max().orElse(Double.NEGATIVE_INFINITY));
    if (newMax == Double.NEGATIVE_INFINITY) return this; // every score so far was hidden
    double shrink = Math.exp(max - newMax);
    double newSum = sum * shrink;
    double[] newMixed = new double[mixed.length];
    for (int d = 0; d < mixed.length; d++) newMixed[d] = mixed[d] * shrink;
    for (int j = 0; j < scores.length; j++) {
      if (values[j].length != mixed.length)
        throw new IllegalArgumentException(
            "values[%d] has %d numbers, expected %d".formatted(j, values[j].length, mixed.length));
      double weight = Math.exp(scores[j] - newMax);
      newSum += weight;
      for (int d = 0; d < mixed.length; d++) newMixed[d] += weight * values[j][d];
    }
    return new OnlineSoftmax(newMax, newSum, newMixed);
  }

  /// The weighted mean of the values so far; 0 if every score was −∞.
  public double[] result() {
    return Arrays.stream(mixed).map(value -> sum == 0 ? 0 : value / sum).toArray();
  }

  /// The softmax weight of a score that has been seen; 0 if every score was −∞.
  public double weight(double score) {
    return sum == 0 ? 0 : Math.exp(score - max) / sum;
  }
}
