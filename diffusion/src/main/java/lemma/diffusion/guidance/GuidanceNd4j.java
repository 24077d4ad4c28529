package lemma.diffusion.guidance;

import lemma.diffusion.scheduler.DdimNd4j;
import org.nd4j.linalg.api.ndarray.INDArray;

/// [ClassifierFreeGuidance] and a DDIM step on ND4J, an operation at a time.
public record GuidanceNd4j(double scale, DdimNd4j ddim) {

  /// The next state; the caller closes it.
  public INDArray step(INDArray x, INDArray conditional, INDArray unconditional) {
    try (INDArray guided = conditional.sub(unconditional).muli(scale).addi(unconditional)) {
      return ddim.step(x, guided);
    }
  }
}
