package lemma.sampling.filter;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.linalg.ops.transforms.Transforms;

/// [TopP] on ND4J, keeping all equals of the last token: sort, softmax, cumulative sum, comparison.
///
/// The sums are of floats: a set may differ by a token where its mass meets p to six digits.
public record TopPNd4j(double p) {

  /// @throws IllegalArgumentException if `p` is outside [0, 1]
  public TopPNd4j {
    if (!(p >= 0 && p <= 1)) throw new IllegalArgumentException("p must be in [0, 1], was " + p);
  }

  /// `logits [V]` with −∞ for every removed token; the caller closes the result.
  public INDArray apply(INDArray logits) {
    INDArray kept = logits.dup();
    if (p == 1) return kept;
    try (INDArray sorted = Nd4j.sort(logits.dup(), false);
        INDArray probabilities = Transforms.softmax(sorted, true);
        INDArray mass = probabilities.cumsum(0)) {
      long before = mass.scan(Conditions.lessThan(p)).longValue();
      double threshold = sorted.getDouble(Math.min(before, sorted.length() - 1));
      BooleanIndexing.replaceWhere(kept, Double.NEGATIVE_INFINITY, Conditions.lessThan(threshold));
    }
    return kept;
  }
}
