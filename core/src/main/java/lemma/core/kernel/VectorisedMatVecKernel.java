package lemma.core.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import lemma.core.format.ElementType;

/// Lanes. One vector is multiplied with the weights as they are widened in registers ([FloatRows],
/// [BlockRows]); for several, a row is widened once into floats and meets four of them at a time.
///
/// ```
/// first  += w[32g + k] · x[32g + k]              0 ≤ k < 16, lane by lane
/// second += w[32g + 16 + k] · x[32g + 16 + k]
/// y = (Σ lanes of first + second) + what is left of a row behind the last 32
/// ```
///
/// Every loop adds in this order, which no number of rows or vectors changes. Two sums, because a
/// fused multiply-add can start before the one before it is done.
record VectorisedMatVecKernel() implements MatVecKernel {
  static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
  static final int STEP = LANES.length();

  /// Columns that the two sums take at once, half of them each: 32, if half of that fills the lanes.
  static final int GROUP = Math.max(32, 2 * STEP);

  static final int HALF = GROUP / 2;

  /// Vectors that a widened row meets: 16 of 4096 floats stay in a cache of 256 KiB.
  private static final int PANEL = 16;

  @Override
  public void multiply(
      WeightMatrix w, float[] x, float[] y, int vectors, int firstRow, int lastRow) {
    int columns = w.columns();
    int alone = vectors / 4 * 4; // the first of those that are not four
    float[] row = new float[vectors < 4 ? 0 : columns];
    for (int v = 0; v < alone; v += PANEL)
      for (int i = firstRow; i < lastRow; i++) {
        take(w, i, RowUse.STORE, row, 0);
        for (int u = v; u < Math.min(v + PANEL, alone); u += 4)
          four(row, x, u * columns, y, u * w.rows() + i, w.rows());
      }
    for (int v = alone; v < vectors; v++)
      for (int i = firstRow; i < lastRow; i++)
        y[v * w.rows() + i] = take(w, i, RowUse.MULTIPLY, x, v * columns);
  }

  private static float take(WeightMatrix w, int i, RowUse use, float[] x, int from) {
    if (w.type().floatFormat().isPresent()) return FloatRows.take(w, i, use, x, from);
    if (BlockRows.AVAILABLE) return BlockRows.take(w, i, use, x, from);
    return FloatRows.take(decoded(w, i), 0, use, x, from);
  }

  /// For lanes too few for what [BlockRows] needs.
  private static WeightMatrix decoded(WeightMatrix w, int i) {
    float[] row = new float[w.columns()];
    w.row(i, row, 0);
    return new WeightMatrix(MemorySegment.ofArray(row), ElementType.F32, 1, row.length);
  }

  /// A row of floats times four vectors, each with its two sums.
  private static void four(float[] w, float[] x, int xFrom, float[] y, int yFrom, int yStep) {
    int x1 = xFrom + w.length;
    int x2 = x1 + w.length;
    int x3 = x2 + w.length;
    int bound = w.length - w.length % GROUP;
    var first0 = FloatVector.zero(LANES);
    var first1 = FloatVector.zero(LANES);
    var first2 = FloatVector.zero(LANES);
    var first3 = FloatVector.zero(LANES);
    var second0 = FloatVector.zero(LANES);
    var second1 = FloatVector.zero(LANES);
    var second2 = FloatVector.zero(LANES);
    var second3 = FloatVector.zero(LANES);
    for (int j = 0; j < bound; j += GROUP)
      for (int k = 0; k < HALF; k += STEP) {
        int at = j + k;
        var low = load(w, at);
        first0 = low.fma(load(x, xFrom + at), first0);
        first1 = low.fma(load(x, x1 + at), first1);
        first2 = low.fma(load(x, x2 + at), first2);
        first3 = low.fma(load(x, x3 + at), first3);
        at += HALF;
        var high = load(w, at);
        second0 = high.fma(load(x, xFrom + at), second0);
        second1 = high.fma(load(x, x1 + at), second1);
        second2 = high.fma(load(x, x2 + at), second2);
        second3 = high.fma(load(x, x3 + at), second3);
      }
    y[yFrom] = sum(first0, second0, w, x, xFrom, bound);
    y[yFrom + yStep] = sum(first1, second1, w, x, x1, bound);
    y[yFrom + 2 * yStep] = sum(first2, second2, w, x, x2, bound);
    y[yFrom + 3 * yStep] = sum(first3, second3, w, x, x3, bound);
  }

  private static FloatVector load(float[] from, int at) {
    return FloatVector.fromArray(LANES, from, at);
  }

  private static float sum(
      FloatVector first, FloatVector second, float[] w, float[] x, int xFrom, int bound) {
    float rest = 0;
    for (int j = bound; j < w.length; j++) rest = Math.fma(w[j], x[xFrom + j], rest);
    return VectorMath.sum(first.add(second)) + rest;
  }
}
