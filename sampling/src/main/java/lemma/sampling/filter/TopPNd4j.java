package lemma.sampling.filter;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.linalg.ops.transforms.Transforms;

/// [TopP] on ND4J, keeping all equals of the last token: sort, softmax, cumulative sum, comparison.
///
/// In double: a running sum of floats in falling order rounds away the tail, whose tokens are near
/// half a unit in the last place of what is summed already. For 128,256 peaked logits its mass is
/// off by 6e-4, and the nucleus is a token short.
public record TopPNd4j(double p) {

  /// @throws IllegalArgumentException if `p` is outside [0, 1]
  public TopPNd4j {
    if (!(p >= 0 && p <= 1)) throw new IllegalArgumentException("p must be in [0, 1], was " + p);
  }

  /// `logits [V]` with −∞ for every removed token; the caller closes the result.
  public INDArray apply(INDArray logits) {
    INDArray kept = logits.dup();
    if (p == 1) return kept;
    boolean isWide = logits.dataType() == DataType.DOUBLE;
    try (INDArray wide = isWide ? logits.dup() : logits.castTo(DataType.DOUBLE);
        INDArray sorted = Nd4j.sort(wide, false);
        INDArray probabilities = Transforms.softmax(sorted, true);
        INDArray mass = probabilities.cumsum(0)) {
      long before = mass.scan(Conditions.lessThan(p)).longValue();
      double threshold = sorted.getDouble(Math.min(before, sorted.length() - 1));
      BooleanIndexing.replaceWhere(kept, Double.NEGATIVE_INFINITY, Conditions.lessThan(threshold));
    }
    return kept;
  }
}
