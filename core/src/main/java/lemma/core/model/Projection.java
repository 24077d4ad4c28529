package lemma.core.model;

import lemma.core.format.StoredTensor;
import lemma.core.kernel.WeightMatrix;

/// `y = W·x + b`; `bias` is empty if there is none.
record Projection(WeightMatrix weight, float[] bias) {

  static Projection of(StoredTensor weight) {
    return new Projection(WeightMatrix.of(weight), new float[0]);
  }

  static Projection of(StoredTensor weight, StoredTensor bias) {
    return new Projection(WeightMatrix.of(weight), bias.toFloats());
  }

  /// Adds the bias to each of `count` rows of `y`.
  void addBias(float[] y, int count) {
    for (int t = 0, at = 0; t < count; t++)
      for (int i = 0; i < bias.length; i++, at++) y[at] += bias[i];
  }
}
