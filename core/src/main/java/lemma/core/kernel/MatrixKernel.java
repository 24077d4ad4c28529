package lemma.core.kernel;

import java.util.Arrays;

/// One thread's way to compute `C (+)= A·B` on float64: the plain loop, or lanes and blocks.
///
/// Every form computes each element as the same chain of fused multiply-adds, so all forms return
/// the same bits. Shapes have been checked by [MatrixProduct].
sealed interface MatrixKernel permits MatrixKernel.Scalar, VectorisedMatrixKernel {

  void multiply(Matrix a, Matrix b, Matrix c, boolean accumulate);

  /// The fastest form that this Java runtime offers.
  static MatrixKernel fastest() {
    return Fastest.KERNEL;
  }

  /// The plain triple loop.
  record Scalar() implements MatrixKernel {

    @Override
    public void multiply(Matrix a, Matrix b, Matrix c, boolean accumulate) {
      double[] x = a.data();
      for (int i = 0; i < c.rows(); i++) {
        int ci = c.offset() + i * c.rowStride();
        if (!accumulate) {
          Arrays.fill(c.data(), ci, ci + c.columns(), 0);
        }
        for (int p = 0; p < a.columns(); p++) {
          double aip = x[a.offset() + i * a.rowStride() + p * a.columnStride()];
          addRow(aip, b, b.offset() + p * b.rowStride(), c, ci);
        }
      }
    }

    /// `C[i, j] += A[i, p] · B[p, j]` for all `j`; a constant stride is what a compiler can unroll.
    private static void addRow(double aip, Matrix b, int bp, Matrix c, int ci) {
      double[] y = b.data();
      double[] z = c.data();
      int stride = b.columnStride();
      if (stride == 1) {
        for (int j = 0; j < c.columns(); j++) {
          z[ci + j] = Math.fma(aip, y[bp + j], z[ci + j]);
        }
      } else {
        for (int j = 0; j < c.columns(); j++) {
          z[ci + j] = Math.fma(aip, y[bp + j * stride], z[ci + j]);
        }
      }
    }
  }

  /// Decides once; [VectorisedMatrixKernel] is loaded only where its module is.
  final class Fastest {
    private static final MatrixKernel KERNEL = choose();

    private Fastest() {}

    private static MatrixKernel choose() {
      if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
        return new VectorisedMatrixKernel();
      }
      return new Scalar();
    }
  }
}
