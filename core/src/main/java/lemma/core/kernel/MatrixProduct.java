package lemma.core.kernel;

import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.RecursiveAction;

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
/// Each element is one chain of fused multiply-adds in the order of `p`, begun from `C[i, j]` or from
/// zero. So the result has the same bits on every machine, in every form and on any number of threads.
public final class MatrixProduct {

  /// Fewer multiply-adds than this (two million operations) are not worth a second thread.
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
    long pieces = Math.min(threads, multiplyAdds(a, c) / (WORTH_A_THREAD / 2));
    if (pieces < 2) {
      MatrixKernel.fastest().multiply(a, b, c, accumulate);
    } else {
      new Piece(a, b, c, accumulate, (int) pieces).invoke();
    }
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

  private static long multiplyAdds(Matrix a, Matrix c) {
    return (long) c.rows() * c.columns() * a.columns();
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

  /// A part of `C`; it halves itself along its longer side until there are enough pieces.
  private static final class Piece extends RecursiveAction {
    private static final long serialVersionUID = 1;

    private final transient Matrix a;
    private final transient Matrix b;
    private final transient Matrix c;
    private final boolean accumulate;
    private final int pieces;

    Piece(Matrix a, Matrix b, Matrix c, boolean accumulate, int pieces) {
      this.a = a;
      this.b = b;
      this.c = c;
      this.accumulate = accumulate;
      this.pieces = pieces;
    }

    @Override
    protected void compute() {
      if (pieces == 1) {
        MatrixKernel.fastest().multiply(a, b, c, accumulate);
        return;
      }
      int first = pieces / 2;
      if (c.rows() >= c.columns()) {
        int half = (int) ((long) c.rows() * first / pieces);
        fork(0, 0, half, c.columns(), first, half, 0);
      } else {
        int half = (int) ((long) c.columns() * first / pieces);
        fork(0, 0, c.rows(), half, first, 0, half);
      }
    }

    /// Both halves: the first `[height, width]` of `C`, and the rest, which begins at `(row, column)`.
    private void fork(int i, int j, int height, int width, int first, int row, int column) {
      ForkJoinTask.invokeAll(
          piece(i, j, height, width, first),
          piece(row, column, c.rows() - row, c.columns() - column, pieces - first));
    }

    private Piece piece(int row, int column, int height, int width, int pieces) {
      return new Piece(
          a.part(row, 0, height, a.columns()),
          b.part(0, column, b.rows(), width),
          c.part(row, column, height, width),
          accumulate,
          pieces);
    }
  }
}
