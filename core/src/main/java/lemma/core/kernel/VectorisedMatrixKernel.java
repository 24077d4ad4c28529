package lemma.core.kernel;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorSpecies;

/// Lanes and blocks: `A` and `B` are packed so that the innermost loop reads memory in order, while
/// a tile of `C` stays in registers.
///
/// ```
/// for each DEPTH of p
///   for each BLOCK_ROWS of i        pack a block of A           (second-level cache)
///     for each TILE_COLUMNS of j    pack a strip of B           (first-level cache)
///       for each TILE_ROWS of i     C tile += A strip · B strip (registers)
/// ```
///
/// The tile begins from what `C` holds, so cutting `p` into blocks does not change the order of any
/// element's sum. Goto & van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication".
record VectorisedMatrixKernel() implements MatrixKernel {

  private static final VectorSpecies<Double> SPECIES = DoubleVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  /// The tile of `C`: eight accumulators keep two multiply-add units of latency four busy, and with
  /// the operands they fit sixteen registers. One accumulator spilled costs half the speed.
  private static final int TILE_ROWS = 4;

  private static final int TILE_COLUMNS = 2 * LANES;

  /// A strip of `B`, `[DEPTH, TILE_COLUMNS]`, stays in the first-level cache.
  private static final int DEPTH = 256;

  /// A block of `A`, `[BLOCK_ROWS, DEPTH]`, stays in the second-level cache.
  private static final int BLOCK_ROWS = 192;

  /// Fewer multiply-adds than this do not repay the packing.
  private static final long WORTH_PACKING = 256;

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
    double[] block = new double[roundUp(Math.min(m, BLOCK_ROWS), TILE_ROWS) * deepest];
    double[] strip = new double[TILE_COLUMNS * deepest];
    double[] edge = new double[TILE_ROWS * TILE_COLUMNS];
    for (int p = 0; p < k; p += DEPTH) {
      int depth = Math.min(DEPTH, k - p);
      boolean add = accumulate || p > 0;
      for (int i = 0; i < m; i += BLOCK_ROWS) {
        int height = Math.min(BLOCK_ROWS, m - i);
        pack(a.part(i, p, height, depth), TILE_ROWS, block);
        for (int j = 0; j < n; j += TILE_COLUMNS) {
          int width = Math.min(TILE_COLUMNS, n - j);
          pack(b.part(p, j, depth, width).transposed(), TILE_COLUMNS, strip);
          tiles(depth, block, strip, c.part(i, j, height, width), edge, add);
        }
      }
    }
  }

  private static int roundUp(int size, int step) {
    return (size + step - 1) / step * step;
  }

  /// Copies strips of `tile` rows, each column after column. A last strip of fewer rows leaves
  /// gaps, which reach only elements of a tile that are thrown away.
  private static void pack(Matrix x, int tile, double[] panel) {
    for (int i = 0; i < x.rows(); i += tile) {
      int height = Math.min(tile, x.rows() - i);
      int to = i * x.columns();
      int r = 0;
      if (x.rowStride() == 1) {
        for (; r <= height - LANES; r += LANES) {
          packLanes(x, i + r, panel, to + r, tile);
        }
      }
      for (; r < height; r++) {
        packRow(x, i + r, panel, to + r, tile);
      }
    }
  }

  private static void packLanes(Matrix x, int i, double[] panel, int to, int step) {
    double[] data = x.data();
    int from = x.offset() + i;
    int stride = x.columnStride();
    for (int p = 0; p < x.columns(); p++) {
      DoubleVector.fromArray(SPECIES, data, from + p * stride).intoArray(panel, to + p * step);
    }
  }

  private static void packRow(Matrix x, int i, double[] panel, int to, int step) {
    double[] data = x.data();
    int from = x.offset() + i * x.rowStride();
    int stride = x.columnStride();
    for (int p = 0; p < x.columns(); p++) {
      panel[to + p * step] = data[from + p * stride];
    }
  }

  /// Every tile of one strip of `C`; a tile that is cut off by the edge is computed in `edge`.
  private static void tiles(
      int depth, double[] a, double[] b, Matrix c, double[] edge, boolean add) {
    double[] data = c.data();
    int stride = c.rowStride();
    int width = c.columns();
    for (int i = 0; i < c.rows(); i += TILE_ROWS) {
      int height = Math.min(TILE_ROWS, c.rows() - i);
      int at = c.offset() + i * stride;
      if (height == TILE_ROWS && width == TILE_COLUMNS) {
        tile(depth, a, i * depth, b, data, at, stride, add);
      } else {
        copy(data, at, stride, edge, 0, TILE_COLUMNS, height, width);
        tile(depth, a, i * depth, b, edge, 0, TILE_COLUMNS, add);
        copy(edge, 0, TILE_COLUMNS, data, at, stride, height, width);
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
      int depth, double[] a, int ai, double[] b, double[] c, int ci, int cStride, boolean add) {
    DoubleVector c00, c01;
    DoubleVector c10, c11;
    DoubleVector c20, c21;
    DoubleVector c30, c31;
    if (add) {
      c00 = DoubleVector.fromArray(SPECIES, c, ci + 0 * cStride + 0 * LANES);
      c01 = DoubleVector.fromArray(SPECIES, c, ci + 0 * cStride + 1 * LANES);
      c10 = DoubleVector.fromArray(SPECIES, c, ci + 1 * cStride + 0 * LANES);
      c11 = DoubleVector.fromArray(SPECIES, c, ci + 1 * cStride + 1 * LANES);
      c20 = DoubleVector.fromArray(SPECIES, c, ci + 2 * cStride + 0 * LANES);
      c21 = DoubleVector.fromArray(SPECIES, c, ci + 2 * cStride + 1 * LANES);
      c30 = DoubleVector.fromArray(SPECIES, c, ci + 3 * cStride + 0 * LANES);
      c31 = DoubleVector.fromArray(SPECIES, c, ci + 3 * cStride + 1 * LANES);
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
    }
    for (int p = 0; p < depth; p++) {
      DoubleVector b0 = DoubleVector.fromArray(SPECIES, b, p * TILE_COLUMNS + 0 * LANES);
      DoubleVector b1 = DoubleVector.fromArray(SPECIES, b, p * TILE_COLUMNS + 1 * LANES);
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
    }
    c00.intoArray(c, ci + 0 * cStride + 0 * LANES);
    c01.intoArray(c, ci + 0 * cStride + 1 * LANES);
    c10.intoArray(c, ci + 1 * cStride + 0 * LANES);
    c11.intoArray(c, ci + 1 * cStride + 1 * LANES);
    c20.intoArray(c, ci + 2 * cStride + 0 * LANES);
    c21.intoArray(c, ci + 2 * cStride + 1 * LANES);
    c30.intoArray(c, ci + 3 * cStride + 0 * LANES);
    c31.intoArray(c, ci + 3 * cStride + 1 * LANES);
  }
}
