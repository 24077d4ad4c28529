package lemma.core.position;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Log-n attention: past the trained length, queries grow with the logarithm of how many keys they
/// choose from, so that attention stays as sharp as it was.
///
/// ```
/// q′ₙ = max(1, ln n / ln trainedLength) · qₙ          n = 1, 2, …: the keys that the query sees
/// ```
///
/// A softmax over n keys whose best is g above the others gives it 1/(1 + (n − 1)e^(−g)): to keep
/// that weight, g has to grow as ln n. Queries within the trained length stay as they are.
///
/// Su 2021 (entropy-invariant softmax); Qwen-7B uses it. Answer:
/// `position/length-extrapolation.md`.
public record LogNScaling(int trainedLength) {

  /// @throws IllegalArgumentException if `trainedLength` is below 2
  public LogNScaling {
    if (trainedLength < 2)
      throw new IllegalArgumentException("trainedLength must be 2 or more, was " + trainedLength);
  }

  /// The factor of a query that sees `keys` keys, itself among them.
  ///
  /// @throws IllegalArgumentException if `keys` is not positive
  public double scale(int keys) {
    if (keys < 1) throw new IllegalArgumentException("keys must be 1 or more, were " + keys);
    return keys <= trainedLength ? 1 : Math.log(keys) / Math.log(trainedLength);
  }

  /// Queries `q [..., time, d]` of positions `offset`, `offset + 1`, …, counted from 0, scaled; the
  /// same factor on their row of scores does as well.
  ///
  /// @throws IllegalArgumentException if `q` is no matrix or `offset` is negative
  public Tensor apply(Tensor q, int offset) {
    if (q.rank() < 2) throw new IllegalArgumentException("q must be [..., time, d], was " + q);
    if (offset < 0) throw new IllegalArgumentException("offset must be 0 or more, was " + offset);
    double[] scales = new double[q.size(-2)];
    Arrays.setAll(scales, t -> scale(offset + t + 1));
    return q.mul(Tensor.ofShared(scales, scales.length, 1));
  }
}
