package lemma.core.kernel;

import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;

/// The product of two float64 matrices, the loop that training lives on.
///
/// ```
/// C[i, j] (+)= Σₚ A[i, p] · B[p, j]        0 ≤ i < m, 0 ≤ j < n, 0 ≤ p < k
/// ```
///
/// | symbol | shape    |                                                               |
/// |--------|----------|---------------------------------------------------------------|
/// | `A`    | `[m, k]` | any strides: pass `a.transposed()` for `Aᵀ·B`                 |
/// | `B`    | `[k, n]` | any strides: pass `b.transposed()` for `A·Bᵀ`                 |
/// | `C`    | `[m, n]` | column stride 1; shares no element with `A` or `B`            |
///
/// Each element is one chain of fused multiply-adds in the order of `p`, begun from `C[i, j]` or
/// zero. So the result has the same bits on every machine, in every form, on any number of threads.
public final class MatrixProduct {

  /// A piece of fewer multiply-adds than this (two million operations) is not worth a thread.
  private static final long WORTH_A_THREAD = 1L << 20;

  private MatrixProduct() {}

  /// `C (+)= A·B` on all processors when the product is large enough, also inside a pool's task.
  ///
  /// @throws IllegalArgumentException if the shapes do not match or the columns of `C` have gaps
  public static void multiply(Matrix a, Matrix b, Matrix c, boolean accumulate) {
    multiply(a, b, c, accumulate, ForkJoinPool.getCommonPoolParallelism() + 1);
  }

  /// `C (+)= A·B` in at most `threads` pieces at a time; 1 stays on the calling thread.
  ///
  /// @throws IllegalArgumentException as above, or if `threads` is not positive
  public static void multiply(Matrix a, Matrix b, Matrix c, boolean accumulate, int threads) {
    checkShapes(a, b, c);
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be positive, was " + threads);
    }
    long multiplyAdds = (long) c.rows() * c.columns() * a.columns();
    long pieces = Math.clamp(multiplyAdds / WORTH_A_THREAD, 1, threads);
    multiplyPieces(a, b, c, accumulate, (int) pieces);
  }

  /// The same with the strides spelled out; see [Matrix] for their meaning.
  ///
  /// @throws IllegalArgumentException if an operand leaves its array or the rows of `C` overlap
  public static void multiply(
      int m,
      int n,
      int k,
      double[] a,
      int aOffset,
      int aRowStride,
      int aColumnStride,
      double[] b,
      int bOffset,
      int bRowStride,
      int bColumnStride,
      double[] c,
      int cOffset,
      int cRowStride,
      boolean accumulate) {
    multiply(
        new Matrix(a, aOffset, m, k, aRowStride, aColumnStride),
        new Matrix(b, bOffset, k, n, bRowStride, bColumnStride),
        new Matrix(c, cOffset, m, n, cRowStride, 1),
        accumulate);
  }

  /// The plain triple loop on the calling thread, to judge the fast forms by.
  ///
  /// @throws IllegalArgumentException if the shapes do not match or the columns of `C` have gaps
  public static void scalar(Matrix a, Matrix b, Matrix c, boolean accumulate) {
    checkShapes(a, b, c);
    new MatrixKernel.Scalar().multiply(a, b, c, accumulate);
  }

  private static void checkShapes(Matrix a, Matrix b, Matrix c) {
    if (a.columns() != b.rows() || c.rows() != a.rows() || c.columns() != b.columns()) {
      throw new IllegalArgumentException(
          "A [%d, %d] · B [%d, %d] into C [%d, %d]: shapes must be [m, k] · [k, n] into [m, n]"
              .formatted(a.rows(), a.columns(), b.rows(), b.columns(), c.rows(), c.columns()));
    }
    if (c.columns() > 1 && c.columnStride() != 1 || c.rows() > 1 && c.rowStride() < c.columns()) {
      throw new IllegalArgumentException(
          "C [%d, %d] has strides (%d, %d): rows must be contiguous and must not overlap"
              .formatted(c.rows(), c.columns(), c.rowStride(), c.columnStride()));
    }
  }

  /// Halves `C` along its longer side until there are enough pieces. A thread that waits for its
  /// other half runs what is left to run, so a call from a pool's own task cannot block the pool.
  private static void multiplyPieces(Matrix a, Matrix b, Matrix c, boolean accumulate, int pieces) {
    if (pieces == 1) {
      MatrixKernel.fastest().multiply(a, b, c, accumulate);
      return;
    }
    int first = pieces / 2;
    int k = a.columns();
    int m = c.rows();
    int n = c.columns();
    if (m >= n) {
      int half = (int) ((long) m * first / pieces);
      ForkJoinTask.invokeAll(
          piece(a.part(0, 0, half, k), b, c.part(0, 0, half, n), accumulate, first),
          piece(
              a.part(half, 0, m - half, k),
              b,
              c.part(half, 0, m - half, n),
              accumulate,
              pieces - first));
    } else {
      int half = (int) ((long) n * first / pieces);
      ForkJoinTask.invokeAll(
          piece(a, b.part(0, 0, k, half), c.part(0, 0, m, half), accumulate, first),
          piece(
              a,
              b.part(0, half, k, n - half),
              c.part(0, half, m, n - half),
              accumulate,
              pieces - first));
    }
  }

  private static ForkJoinTask<?> piece(
      Matrix a, Matrix b, Matrix c, boolean accumulate, int pieces) {
    return ForkJoinTask.adapt(() -> multiplyPieces(a, b, c, accumulate, pieces));
  }
}
