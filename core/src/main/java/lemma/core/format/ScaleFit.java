package lemma.core.format;

import static lemma.core.format.BlockCodec.nearest;

/// A scale and levels for a run of weights, found by search.
///
/// ```
/// minimise  Σ xⱼ²·(s·qⱼ − xⱼ)²        qⱼ ∈ {−L … L − 1}        levels are stored as qⱼ + L
/// ```
///
/// For given levels the best scale is s = Σ xⱼ³qⱼ / Σ xⱼ²qⱼ², and the error falls by the square of the
/// first sum over the second. So each of 19 trial scales, those that send the largest weight to −L and
/// up to ±0.9 of a level beside it, gives levels by rounding, and the trial of largest fall is kept.
///
/// All sums are float32 from left to right: the reference's `make_qx_quants`.
record ScaleFit(float scale, int[] levels) {
  /// A run is zero if nothing in it is as large as this.
  static final float NOTHING = 1e-15f;

  private static final int[] TRIALS = {
    0, -9, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9
  };

  static ScaleFit search(float[] x, int from, int count, int most) {
    float extreme = 0;
    for (int j = 0; j < count; j++)
      if (Math.abs(x[from + j]) > Math.abs(extreme)) extreme = x[from + j];
    if (Math.abs(extreme) < NOTHING) return new ScaleFit(0, new int[count]);

    float scale = 0;
    float fall = 0;
    int[] levels = null;
    for (int trial : TRIALS) {
      float inverse = -(most + 0.1f * trial) / extreme;
      int[] candidate = new int[count];
      float sumXQ = 0;
      float sumQQ = 0;
      for (int j = 0; j < count; j++) {
        int q = nearest(inverse * x[from + j], -most, most - 1);
        float weight = x[from + j] * x[from + j];
        sumXQ += weight * x[from + j] * q;
        sumQQ += weight * q * q;
        candidate[j] = q + most;
      }
      boolean first = levels == null;
      if (first || sumQQ > 0 && sumXQ * sumXQ > fall * sumQQ) {
        levels = candidate;
        scale = sumQQ > 0 ? sumXQ / sumQQ : 0;
        fall = scale * sumXQ;
      }
    }
    return new ScaleFit(scale, levels);
  }
}
