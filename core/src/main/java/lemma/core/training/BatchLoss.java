package lemma.core.training;

import lemma.core.tensor.Tensor;

/// The loss of one micro-batch: a sum over `count` terms (tokens, pixels, pairs).
///
/// Sum and count travel apart, because the mean over a large batch is Σ sums / Σ counts; the mean of
/// the means is something else as soon as the counts differ.
public record BatchLoss(Tensor sum, double count) {

  /// @throws IllegalArgumentException if `sum` is not one number or `count` is negative
  public BatchLoss {
    if (sum.count() != 1) throw new IllegalArgumentException("sum must be one number, was " + sum);
    if (!(count >= 0)) throw new IllegalArgumentException("count must be 0 or more, was " + count);
  }

  /// From a mean over `count` terms.
  public static BatchLoss ofMean(Tensor mean, double count) {
    return new BatchLoss(mean.mul(count), count);
  }
}
