package lemma.core.kernel;

import jdk.incubator.vector.FloatVector;

/// What becomes of the weights of a row, once they are floats in a register.
///
/// The use is the same in a whole loop, so that its branch is moved out of it.
enum RowUse {
  /// They meet the numbers in an array, and are added up.
  MULTIPLY,
  /// They go into the array.
  STORE;

  FloatVector take(FloatVector weights, float[] x, int at, FloatVector sum) {
    if (this == MULTIPLY)
      return weights.fma(FloatVector.fromArray(VectorisedMatVecKernel.LANES, x, at), sum);
    weights.intoArray(x, at);
    return sum;
  }
}
