package lemma.core.tensor;

import java.util.Arrays;
import lemma.core.kernel.MatrixProduct;

/// Matrix products over the last two axes, with broadcasting of the axes in front of them.
final class Product {
  private Product() {}

  /// `C = A·B`, `dA = dC·Bᵀ`, `dB = Aᵀ·dC`.
  static Tensor matmul(Tensor a, Tensor b) {
    return product(a, b, false);
  }

  /// `C = A·Bᵀ`, `dA = dC·B`, `dB = dCᵀ·A`.
  static Tensor matmulTransposed(Tensor a, Tensor b) {
    return product(a, b, true);
  }

  private static Tensor product(Tensor a, Tensor b, boolean transposed) {
    int rankA = a.shape.length;
    int rankB = b.shape.length;
    if (rankA < 2 || rankB < 2) {
      throw new IllegalArgumentException(shapes(a, b) + ": a matrix product needs rank 2 or more");
    }
    int rows = a.shape[rankA - 2];
    int k = a.shape[rankA - 1];
    int n = b.shape[transposed ? rankB - 2 : rankB - 1];
    int inner = b.shape[transposed ? rankB - 1 : rankB - 2];
    if (inner != k) {
      throw new IllegalArgumentException(
          shapes(a, b)
              + ": inner sizes "
              + k
              + " and "
              + inner
              + " must match"
              + (transposed ? " (b is transposed)" : ""));
    }
    int[] batchA = Arrays.copyOf(a.shape, rankA - 2);
    int[] batchB = Arrays.copyOf(b.shape, rankB - 2);
    int[] batch = Shape.broadcast(batchA, batchB);
    int[] shape = Arrays.copyOf(batch, batch.length + 2);
    shape[batch.length] = rows;
    shape[batch.length + 1] = n;

    // One matrix b for all: the rows of all matrices a make one tall matrix.
    boolean fold = Shape.count(batchB) == 1;
    int m = fold ? rows * Shape.count(batch) : rows;
    int[] none = {};
    Strided walk =
        fold ? Strided.broadcast(none, none, none) : Strided.broadcast(batchA, batchB, batch);

    double[] p = a.data;
    double[] q = b.data;
    double[] y = new double[Shape.count(shape)];
    int down = transposed ? 1 : n; // strides of B as [k, n]
    int across = transposed ? k : 1;
    forEachMatrix(
        walk,
        (c, i, j) ->
            multiply(m, n, k, p, i * m * k, k, 1, q, j * k * n, down, across, y, c * m * n, n));
    return Node.result(
        y,
        shape,
        (g, into) ->
            forEachMatrix(
                walk,
                (c, i, j) -> {
                  int atA = i * m * k;
                  int atB = j * k * n;
                  int atC = c * m * n;
                  if (into[0] != null) {
                    multiply(m, k, n, g, atC, n, 1, q, atB, across, down, into[0], atA, k);
                  }
                  if (into[1] != null && transposed) {
                    multiply(n, k, m, g, atC, 1, n, p, atA, k, 1, into[1], atB, k);
                  } else if (into[1] != null) {
                    multiply(k, n, m, p, atA, 1, k, g, atC, n, 1, into[1], atB, n);
                  }
                }),
        a,
        b);
  }

  private static void forEachMatrix(Strided walk, Strided.Run work) {
    walk.forEachRun((c, i, j) -> {
      for (int r = 0; r < walk.run; r++) work.at(c + r, i + r * walk.aStep, j + r * walk.bStep);
    });
  }

  private static String shapes(Tensor a, Tensor b) {
    return "a " + Shape.text(a.shape) + " and b " + Shape.text(b.shape);
  }

  /// `C += A·B` for A `[m, k]` and B `[k, n]` of any strides and C `[m, n]` with contiguous rows.
  static void multiply(
      int m,
      int n,
      int k,
      double[] a,
      int aOffset,
      int aRow,
      int aColumn,
      double[] b,
      int bOffset,
      int bRow,
      int bColumn,
      double[] c,
      int cOffset,
      int cRow) {
    if (m == 0 || n == 0 || k == 0) return;
    MatrixProduct.multiply(
        m, n, k, a, aOffset, aRow, aColumn, b, bOffset, bRow, bColumn, c, cOffset, cRow, true);
  }
}
