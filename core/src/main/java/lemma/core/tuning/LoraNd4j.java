package lemma.core.tuning;

import org.nd4j.linalg.api.ndarray.INDArray;

/// [Lora] on ND4J: the two thin products, temporaries closed at once.
public record LoraNd4j(INDArray a, INDArray b, double scaling) {

  /// What the update adds for rows `x [rows, in]`; the caller closes the result.
  public INDArray apply(INDArray x) {
    try (INDArray thin = x.mmul(a.transpose())) {
      return thin.mmul(b.transpose()).muli(scaling);
    }
  }

  /// x·Wᵀ plus that; the caller closes the result.
  public INDArray linear(INDArray x, INDArray weight) {
    INDArray y = x.mmul(weight.transpose());
    try (INDArray update = apply(x)) {
      return y.addi(update);
    }
  }
}
