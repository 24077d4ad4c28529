package lemma.core.feedforward;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/// The gate of [GluFfn#swiGlu] on ND4J: three operations, and one array for all of them.
public record SwiGluNd4j() {

  /// `gate·σ(gate) ⊙ up` for arrays of one shape; the caller closes the result.
  public INDArray apply(INDArray gate, INDArray up) {
    return Transforms.sigmoid(gate, true).muli(gate).muli(up);
  }
}
