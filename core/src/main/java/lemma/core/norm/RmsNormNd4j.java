package lemma.core.norm;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/// [RmsNorm] on ND4J: the same formula, an operation at a time.
///
/// Every operation crosses into native code and most allocate off the heap; temporaries are closed
/// at once, because the garbage collector does not see their weight.
public record RmsNormNd4j(INDArray gain, double epsilon) {

  /// Normalises every row of `x [rows, dim]`; the caller closes the result.
  public INDArray apply(INDArray x) {
    try (INDArray squares = x.mul(x);
        INDArray rms = squares.mean(true, 1)) {
      Transforms.sqrt(rms.addi(epsilon), false);
      return x.divColumnVector(rms).muliRowVector(gain);
    }
  }
}
