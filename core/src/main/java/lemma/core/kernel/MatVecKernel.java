package lemma.core.kernel;

import java.util.Objects;

/// A matrix times vectors, the loop that decoding lives on: each weight is read once for each token.
///
/// ```
/// y[v, i] = Σⱼ W[i, j] · x[v, j]        firstRow ≤ i < lastRow
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `W` | `[rows, columns]` | f32, f16, bf16 or quantised in blocks, widened as it is read |
/// | `x` | `[vectors, columns]` | floats |
/// | `y` | `[vectors, rows]` | floats |
///
/// Two operations for each weight: with one vector the time is that of bringing the weights from
/// memory, so half as many bytes take half as long. Several vectors (a prompt) share them.
///
/// An element is the same sum in the same order whichever rows and vectors are computed beside it,
/// so threads may share the rows in any way and get the same bits.
public sealed interface MatVecKernel permits MatVecKernel.Scalar, VectorisedMatVecKernel {

  /// Computes rows `firstRow` to `lastRow`, not included, of `y` for every vector.
  ///
  /// @throws IndexOutOfBoundsException if an array is too short or there are no such rows
  default void apply(WeightMatrix w, float[] x, float[] y, int vectors, int firstRow, int lastRow) {
    Objects.checkFromToIndex(firstRow, lastRow, w.rows());
    Objects.checkFromIndexSize(0L, (long) vectors * w.columns(), x.length);
    Objects.checkFromIndexSize(0L, (long) vectors * w.rows(), y.length);
    multiply(w, x, y, vectors, firstRow, lastRow);
  }

  /// The same after the check.
  void multiply(WeightMatrix w, float[] x, float[] y, int vectors, int firstRow, int lastRow);

  /// The fastest form that this JVM can run.
  static MatVecKernel best() {
    return Lanes.available() ? new VectorisedMatVecKernel() : new Scalar();
  }

  /// One loop over a row that was widened, the sum in double.
  record Scalar() implements MatVecKernel {
    @Override
    public void multiply(
        WeightMatrix w, float[] x, float[] y, int vectors, int firstRow, int lastRow) {
      int columns = w.columns();
      float[] row = new float[columns];
      for (int i = firstRow; i < lastRow; i++) {
        w.row(i, row, 0);
        for (int v = 0; v < vectors; v++) {
          double sum = 0;
          for (int j = 0; j < columns; j++) sum += (double) row[j] * x[v * columns + j];
          y[v * w.rows() + i] = (float) sum;
        }
      }
    }
  }
}
