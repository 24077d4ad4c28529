package lemma.core.model;

import lemma.core.kernel.MatVecKernel;
import lemma.core.kernel.WeightMatrix;
import lemma.core.kernel.Workers;

/// Up to three matrices times the same vectors, their rows numbered through and shared by threads.
///
/// ```
/// products.three(w₀, y₀, w₁, y₁, w₂, y₂).of(x, vectors);      yᵢ[v] = wᵢ·x[v]
/// ```
///
/// It is one object that is set up again and again, so that a product allocates nothing.
final class Products implements Workers.Loop {
  private final MatVecKernel matVec = MatVecKernel.best();
  private final Workers workers;
  private final WeightMatrix[] weights = new WeightMatrix[3];
  private final float[][] outputs = new float[3][];
  private int matrices;
  private int rows;
  private int vectors;
  private float[] input;

  Products(Workers workers) {
    this.workers = workers;
  }

  Products one(WeightMatrix w, float[] y) {
    matrices = 0;
    rows = 0;
    return and(w, y);
  }

  Products two(WeightMatrix w0, float[] y0, WeightMatrix w1, float[] y1) {
    return one(w0, y0).and(w1, y1);
  }

  Products three(
      WeightMatrix w0, float[] y0, WeightMatrix w1, float[] y1, WeightMatrix w2, float[] y2) {
    return one(w0, y0).and(w1, y1).and(w2, y2);
  }

  private Products and(WeightMatrix w, float[] y) {
    weights[matrices] = w;
    outputs[matrices++] = y;
    rows += w.rows();
    return this;
  }

  /// Computes them for `vectors` rows of `input`.
  void of(float[] input, int vectors) {
    this.input = input;
    this.vectors = vectors;
    long work = (long) rows * weights[0].columns() * vectors;
    if (work < DecoderSession.WORTH_THREADS) rows(0, rows);
    else workers.run(rows, this);
  }

  @Override
  public void rows(int from, int to) {
    int first = 0;
    for (int m = 0; m < matrices; m++) {
      int low = Math.max(from - first, 0);
      int high = Math.min(to - first, weights[m].rows());
      if (low < high) matVec.apply(weights[m], input, outputs[m], vectors, low, high);
      first += weights[m].rows();
    }
  }
}
