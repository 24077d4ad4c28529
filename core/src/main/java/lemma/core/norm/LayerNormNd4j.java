package lemma.core.norm;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/// [LayerNorm] on ND4J: the same formula, an operation at a time, temporaries closed at once.
public record LayerNormNd4j(INDArray gain, INDArray bias, double epsilon) {

  /// Normalises every row of `x [rows, dim]`; the caller closes the result.
  public INDArray apply(INDArray x) {
    try (INDArray mean = x.mean(true, 1)) {
      INDArray centred = x.subColumnVector(mean);
      try (INDArray squares = centred.mul(centred);
          INDArray deviation = squares.mean(true, 1)) {
        Transforms.sqrt(deviation.addi(epsilon), false);
        return centred.diviColumnVector(deviation).muliRowVector(gain).addiRowVector(bias);
      }
    }
  }
}
