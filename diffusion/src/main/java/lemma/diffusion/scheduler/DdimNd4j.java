package lemma.diffusion.scheduler;

import org.nd4j.linalg.api.ndarray.INDArray;

/// A [Ddim] step without noise on ND4J, ε-prediction: the paper's formula, an operation at a time.
public record DdimNd4j(double alphaBar, double nextAlphaBar) {

  /// The next state; the caller closes it.
  public INDArray step(INDArray x, INDArray epsilon) {
    try (INDArray noise = epsilon.mul(Math.sqrt(1 - alphaBar));
        INDArray x0 = x.sub(noise).divi(Math.sqrt(alphaBar));
        INDArray direction = epsilon.mul(Math.sqrt(1 - nextAlphaBar))) {
      return x0.mul(Math.sqrt(nextAlphaBar)).addi(direction);
    }
  }
}
