package lemma.sampling.filter;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.conditions.Conditions;

/// [TopK] on ND4J, keeping all equals of the k-th: sort, then remove what is below the k-th.
///
/// ND4J's own operation `top_k` is no help: in 1.0.0-M2.1 it loses equals.
public record TopKNd4j(int k) {

  /// @throws IllegalArgumentException if `k` is less than 1
  public TopKNd4j {
    if (k < 1) throw new IllegalArgumentException("k must be 1 or more, was " + k);
  }

  /// `logits [V]` with −∞ for every removed token; the caller closes the result.
  public INDArray apply(INDArray logits) {
    INDArray kept = logits.dup();
    if (k >= logits.length()) return kept;
    double threshold;
    try (INDArray sorted = Nd4j.sort(logits.dup(), false)) {
      threshold = sorted.getDouble(k - 1);
    }
    BooleanIndexing.replaceWhere(kept, Double.NEGATIVE_INFINITY, Conditions.lessThan(threshold));
    return kept;
  }
}
