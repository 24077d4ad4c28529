package lemma.core.attention;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/// [ScaledDotProduct] on ND4J: two batched matrix products and a softmax between them.
///
/// `q [batch, queries, d]`, `k [batch, keys, d]`, `v [batch, keys, dv]`. For grouped heads the batch
/// is the key/value heads, and the queries of a group stand below each other.
public record ScaledDotProductNd4j(double scale) {
  private static final double HIDDEN = -1e9; // finite: a row of −∞ would be 0/0

  /// Attention in which every query sees every key; the caller closes the result.
  public INDArray apply(INDArray q, INDArray k, INDArray v) {
    try (INDArray scores = Nd4j.matmul(q, k, false, true, false);
        INDArray weights = Transforms.softmax(scores.muli(scale), true)) {
      return Nd4j.matmul(weights, v);
    }
  }

  /// Attention through a mask, `hidden [batch, queries, keys]`: 1 where a query must not look.
  public INDArray apply(INDArray q, INDArray k, INDArray v, INDArray hidden) {
    try (INDArray scores = Nd4j.matmul(q, k, false, true, false);
        INDArray penalty = hidden.mul(HIDDEN);
        INDArray allowed = hidden.rsub(1);
        INDArray weights = Transforms.softmax(scores.muli(scale).addi(penalty), true)) {
      return Nd4j.matmul(weights.muli(allowed), v);
    }
  }
}
