package lemma.core.tensor;

import java.util.Arrays;
import lemma.core.kernel.Matrix;
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
    int[] batch = Shape.broadcast(batchA, batchB, shapes(a, b) + ": shapes");
    int[] shape = Arrays.copyOf(batch, batch.length + 2);
    shape[batch.length] = rows;
    shape[batch.length + 1] = n;

    // One matrix b for all: the rows of all matrices a make one tall matrix.
    boolean fold = Shape.count(batchB) == 1;
    int m = fold ? rows * Shape.count(batch) : rows;
    int[] none = {};
    Strided walk =
        fold ? Strided.broadcast(none, none, none) : Strided.broadcast(batchA, batchB, batch);

    double[] y = new double[Shape.count(shape)];
    int down = transposed ? n : k; // B as it is stored
    int across = transposed ? k : n;
    forEachMatrix(
        walk,
        (c, i, j) -> {
          Matrix one = Matrix.of(a.data, i * m * k, m, k);
          Matrix two = Matrix.of(b.data, j * k * n, down, across);
          multiply(one, transposed ? two.transposed() : two, Matrix.of(y, c * m * n, m, n));
        });
    return Node.result(
        y,
        shape,
        (g, into) ->
            forEachMatrix(
                walk,
                (c, i, j) -> {
                  Matrix one = Matrix.of(a.data, i * m * k, m, k);
                  Matrix two = Matrix.of(b.data, j * k * n, down, across);
                  Matrix dC = Matrix.of(g, c * m * n, m, n);
                  if (into[0] != null) {
                    Matrix dA = Matrix.of(into[0], i * m * k, m, k);
                    multiply(dC, transposed ? two : two.transposed(), dA);
                  }
                  if (into[1] != null) {
                    Matrix dB = Matrix.of(into[1], j * k * n, down, across);
                    if (transposed) multiply(dC.transposed(), one, dB);
                    else multiply(one.transposed(), dC, dB);
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

  /// `C += A·B`.
  static void multiply(Matrix a, Matrix b, Matrix c) {
    if (a.columns() > 0) MatrixProduct.multiply(a, b, c, true);
  }
}
