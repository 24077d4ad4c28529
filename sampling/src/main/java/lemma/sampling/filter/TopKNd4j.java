package lemma.sampling.filter;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.conditions.Conditions;

/// [TopK] on ND4J, keeping all equals of the k-th: the operation `top_k` finds
/// the k-th largest, a comparison removes what is below.
public record TopKNd4j(int k) {

  /// @throws IllegalArgumentException if `k` is less than 1
  public TopKNd4j {
    if (k < 1) throw new IllegalArgumentException("k must be 1 or more, was " + k);
  }

  /// `logits [V]` with −∞ for every removed token; the caller closes the result.
  public INDArray apply(INDArray logits) {
    INDArray kept = logits.dup();
    if (k >= logits.length()) return kept;
    var topK = DynamicCustomOp.builder("top_k").addInputs(logits).addIntegerArguments(k).build();
    INDArray[] largest = Nd4j.exec(topK); // values, falling, and indices
    double threshold = largest[0].getDouble(k - 1);
    for (INDArray part : largest) part.close();
    BooleanIndexing.replaceWhere(kept, Double.NEGATIVE_INFINITY, Conditions.lessThan(threshold));
    return kept;
  }
}
