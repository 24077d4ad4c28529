package lemma.core.kernel;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorSpecies;

/// Lanes and blocks: panels of `A` and `B` are packed so that the innermost loop reads memory in order
/// and keeps a tile of `C` in registers.
record VectorisedMatrixKernel() implements MatrixKernel {

  private static final VectorSpecies<Double> SPECIES = DoubleVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  /// The tile of `C` held in registers.
  private static final int TILE_ROWS = 6;

  private static final int TILE_COLUMNS = 2 * LANES;

  /// A strip of `B`, `DEPTH × TILE_COLUMNS`, stays in the first-level cache.
  private static final int DEPTH = Integer.getInteger("D", 256);

  /// A block of `A`, `BLOCK_ROWS × DEPTH`, stays in the second-level cache.
  private static final int BLOCK_ROWS = Integer.getInteger("M", 96);

  /// A panel of `B`, `DEPTH × PANEL_COLUMNS`, stays in the last cache.
  private static final int PANEL_COLUMNS = Integer.getInteger("N", 768);

  /// Fewer multiply-adds than this do not repay the packing.
  private static final long WORTH_PACKING = Integer.getInteger("S", 2048);

  @Override
  public void multiply(Matrix a, Matrix b, Matrix c, boolean accumulate) {
    int m = c.rows();
    int n = c.columns();
    int k = a.columns();
    if ((long) m * n * k < WORTH_PACKING) {
      new Scalar().multiply(a, b, c, accumulate);
      return;
    }
    int deepest = Math.min(k, DEPTH);
    double[] aPanel = new double[roundUp(Math.min(m, BLOCK_ROWS), TILE_ROWS) * deepest];
    double[] bPanel = new double[roundUp(Math.min(n, PANEL_COLUMNS), TILE_COLUMNS) * deepest];
    double[] edge = new double[TILE_ROWS * TILE_COLUMNS];
    for (int j = 0; j < n; j += PANEL_COLUMNS) {
      int width = Math.min(PANEL_COLUMNS, n - j);
      for (int p = 0; p < k; p += DEPTH) {
        int depth = Math.min(DEPTH, k - p);
        boolean add = accumulate || p > 0;
        pack(b.part(p, j, depth, width).transposed(), TILE_COLUMNS, bPanel);
        for (int i = 0; i < m; i += BLOCK_ROWS) {
          int height = Math.min(BLOCK_ROWS, m - i);
          pack(a.part(i, p, height, depth), TILE_ROWS, aPanel);
          tiles(depth, aPanel, bPanel, c.part(i, j, height, width), edge, add);
        }
      }
    }
  }

  private static int roundUp(int size, int step) {
    return (size + step - 1) / step * step;
  }

  /// Copies `tile` rows at a time, column after column; a last, lower strip leaves gaps.
  private static void pack(Matrix x, int tile, double[] panel) {
    double[] data = x.data();
    int depth = x.columns();
    for (int i = 0; i < x.rows(); i += tile) {
      int from = x.offset() + i * x.rowStride();
      int height = Math.min(tile, x.rows() - i);
      if (x.rowStride() == 1) {
        for (int p = 0; p < depth; p++) {
          System.arraycopy(
              data, from + p * x.columnStride(), panel, (i * depth) + p * tile, height);
        }
      } else {
        for (int r = 0; r < height; r++) {
          int row = from + r * x.rowStride();
          for (int p = 0; p < depth; p++) {
            panel[i * depth + p * tile + r] = data[row + p * x.columnStride()];
          }
        }
      }
    }
  }

  /// Every tile of a block of `C`; a tile that is cut off by the edge is computed in `edge`.
  private static void tiles(
      int depth, double[] a, double[] b, Matrix c, double[] edge, boolean add) {
    double[] data = c.data();
    int stride = c.rowStride();
    for (int j = 0; j < c.columns(); j += TILE_COLUMNS) {
      int width = Math.min(TILE_COLUMNS, c.columns() - j);
      for (int i = 0; i < c.rows(); i += TILE_ROWS) {
        int height = Math.min(TILE_ROWS, c.rows() - i);
        int at = c.offset() + i * stride + j;
        if (height == TILE_ROWS && width == TILE_COLUMNS) {
          tile(depth, a, i * depth, b, j * depth, data, at, stride, add);
        } else {
          copy(data, at, stride, edge, 0, TILE_COLUMNS, height, width);
          tile(depth, a, i * depth, b, j * depth, edge, 0, TILE_COLUMNS, add);
          copy(edge, 0, TILE_COLUMNS, data, at, stride, height, width);
        }
      }
    }
  }

  private static void copy(
      double[] x, int from, int xStride, double[] y, int to, int yStride, int height, int width) {
    for (int i = 0; i < height; i++) {
      System.arraycopy(x, from + i * xStride, y, to + i * yStride, width);
    }
  }

  /// One tile of `C`: each step of `p` reads a column of `A` and a row of `B`, in order.
  private static void tile(
      int depth,
      double[] a,
      int ai,
      double[] b,
      int bi,
      double[] c,
      int ci,
      int cStride,
      boolean add) {
    DoubleVector c00, c01;
    DoubleVector c10, c11;
    DoubleVector c20, c21;
    DoubleVector c30, c31;
    DoubleVector c40, c41;
    DoubleVector c50, c51;
    if (add) {
      c00 = DoubleVector.fromArray(SPECIES, c, ci + 0 * cStride + 0 * LANES);
      c01 = DoubleVector.fromArray(SPECIES, c, ci + 0 * cStride + 1 * LANES);
      c10 = DoubleVector.fromArray(SPECIES, c, ci + 1 * cStride + 0 * LANES);
      c11 = DoubleVector.fromArray(SPECIES, c, ci + 1 * cStride + 1 * LANES);
      c20 = DoubleVector.fromArray(SPECIES, c, ci + 2 * cStride + 0 * LANES);
      c21 = DoubleVector.fromArray(SPECIES, c, ci + 2 * cStride + 1 * LANES);
      c30 = DoubleVector.fromArray(SPECIES, c, ci + 3 * cStride + 0 * LANES);
      c31 = DoubleVector.fromArray(SPECIES, c, ci + 3 * cStride + 1 * LANES);
      c40 = DoubleVector.fromArray(SPECIES, c, ci + 4 * cStride + 0 * LANES);
      c41 = DoubleVector.fromArray(SPECIES, c, ci + 4 * cStride + 1 * LANES);
      c50 = DoubleVector.fromArray(SPECIES, c, ci + 5 * cStride + 0 * LANES);
      c51 = DoubleVector.fromArray(SPECIES, c, ci + 5 * cStride + 1 * LANES);
    } else {
      DoubleVector zero = DoubleVector.zero(SPECIES);
      c00 = zero;
      c01 = zero;
      c10 = zero;
      c11 = zero;
      c20 = zero;
      c21 = zero;
      c30 = zero;
      c31 = zero;
      c40 = zero;
      c41 = zero;
      c50 = zero;
      c51 = zero;
    }
    for (int p = 0; p < depth; p++) {
      DoubleVector b0 = DoubleVector.fromArray(SPECIES, b, bi + p * TILE_COLUMNS + 0 * LANES);
      DoubleVector b1 = DoubleVector.fromArray(SPECIES, b, bi + p * TILE_COLUMNS + 1 * LANES);
      DoubleVector a0 = DoubleVector.broadcast(SPECIES, a[ai + p * TILE_ROWS + 0]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      DoubleVector a1 = DoubleVector.broadcast(SPECIES, a[ai + p * TILE_ROWS + 1]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      DoubleVector a2 = DoubleVector.broadcast(SPECIES, a[ai + p * TILE_ROWS + 2]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      DoubleVector a3 = DoubleVector.broadcast(SPECIES, a[ai + p * TILE_ROWS + 3]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      DoubleVector a4 = DoubleVector.broadcast(SPECIES, a[ai + p * TILE_ROWS + 4]);
      c40 = a4.fma(b0, c40);
      c41 = a4.fma(b1, c41);
      DoubleVector a5 = DoubleVector.broadcast(SPECIES, a[ai + p * TILE_ROWS + 5]);
      c50 = a5.fma(b0, c50);
      c51 = a5.fma(b1, c51);
    }
    c00.intoArray(c, ci + 0 * cStride + 0 * LANES);
    c01.intoArray(c, ci + 0 * cStride + 1 * LANES);
    c10.intoArray(c, ci + 1 * cStride + 0 * LANES);
    c11.intoArray(c, ci + 1 * cStride + 1 * LANES);
    c20.intoArray(c, ci + 2 * cStride + 0 * LANES);
    c21.intoArray(c, ci + 2 * cStride + 1 * LANES);
    c30.intoArray(c, ci + 3 * cStride + 0 * LANES);
    c31.intoArray(c, ci + 3 * cStride + 1 * LANES);
    c40.intoArray(c, ci + 4 * cStride + 0 * LANES);
    c41.intoArray(c, ci + 4 * cStride + 1 * LANES);
    c50.intoArray(c, ci + 5 * cStride + 0 * LANES);
    c51.intoArray(c, ci + 5 * cStride + 1 * LANES);
  }
}
