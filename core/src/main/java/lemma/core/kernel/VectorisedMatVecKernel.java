package lemma.core.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/// Lanes. One vector is multiplied with the weights as they are widened in registers
/// ([FloatRows], [BlockRows]); for several, a row is widened once into floats and meets four of them at
/// a time.
///
/// ```
/// first  += w[32g + k] · x[32g + k]              0 ≤ k < 16, lane by lane
/// second += w[32g + 16 + k] · x[32g + 16 + k]
/// y = (Σ lanes of first + second) + what is left of a row behind the last 32
/// ```
///
/// Every loop here adds in this order, which no number of rows or vectors changes. Two sums, because a
/// fused multiply-add can start before the one before it is done.
record VectorisedMatVecKernel() implements MatVecKernel {
  static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
  static final int STEP = LANES.length();

  /// Columns that the two sums take at once, half of them each: 32, if half of that fills the lanes.
  static final int GROUP = Math.max(32, 2 * STEP);

  static final int HALF = GROUP / 2;

  /// Vectors that are brought near before the rows pass by: 16 of 4096 floats fit a cache of 256 KiB.
  private static final int PANEL = 16;

  @Override
  public void multiply(
      WeightMatrix w, float[] x, float[] y, int vectors, int firstRow, int lastRow) {
    if (vectors == 1) one(w, x, y, firstRow, lastRow);
    else
      for (int v = 0; v < vectors; v += PANEL)
        panel(w, x, y, v, Math.min(v + PANEL, vectors), firstRow, lastRow);
  }

  private static void one(WeightMatrix w, float[] x, float[] y, int firstRow, int lastRow) {
    float[] row = new float[BlockRows.AVAILABLE ? 0 : w.columns()];
    for (int i = firstRow; i < lastRow; i++)
      y[i] =
          switch (w.type()) {
            case F32 -> FloatRows.f32(w, i, x);
            case F16 -> FloatRows.f16(w, i, x);
            case BF16 -> FloatRows.bf16(w, i, x);
            default -> BlockRows.AVAILABLE ? BlockRows.dot(w, i, x) : decoded(w, i, row, x);
          };
  }

  /// For lanes too few for the registers that blocks are widened in.
  private static float decoded(WeightMatrix w, int i, float[] row, float[] x) {
    w.row(i, row, 0);
    return dot(row, x, 0);
  }

  private static void panel(
      WeightMatrix w, float[] x, float[] y, int from, int to, int firstRow, int lastRow) {
    float[] row = new float[w.columns()];
    for (int i = firstRow; i < lastRow; i++) {
      w.row(i, row, 0);
      int v = from;
      for (; v + 4 <= to; v += 4) four(row, x, v * row.length, y, v * w.rows() + i, w.rows());
      for (; v < to; v++) y[v * w.rows() + i] = dot(row, x, v * row.length);
    }
  }

  private static float dot(float[] w, float[] x, int xFrom) {
    int bound = w.length - w.length % GROUP;
    var first = FloatVector.zero(LANES);
    var second = FloatVector.zero(LANES);
    for (int j = 0; j < bound; j += GROUP)
      for (int k = j; k < j + HALF; k += STEP) {
        first = load(w, k).fma(load(x, xFrom + k), first);
        second = load(w, k + HALF).fma(load(x, xFrom + k + HALF), second);
      }
    return sum(first, second, w, x, xFrom, bound);
  }

  /// The same row times four vectors, each with its two sums.
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
      for (int k = j; k < j + HALF; k += STEP) {
        var low = load(w, k);
        first0 = low.fma(load(x, xFrom + k), first0);
        first1 = low.fma(load(x, x1 + k), first1);
        first2 = low.fma(load(x, x2 + k), first2);
        first3 = low.fma(load(x, x3 + k), first3);
        var high = load(w, k + HALF);
        second0 = high.fma(load(x, xFrom + k + HALF), second0);
        second1 = high.fma(load(x, x1 + k + HALF), second1);
        second2 = high.fma(load(x, x2 + k + HALF), second2);
        second3 = high.fma(load(x, x3 + k + HALF), second3);
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
    float tail = 0;
    for (int j = bound; j < w.length; j++) tail = Math.fma(w[j], x[xFrom + j], tail);
    return VectorMath.sum(first.add(second)) + tail;
  }
}
