package lemma.core.format;

import static lemma.core.format.BlockCodec.nearest;

/// A scale, a minimum and levels for a run of weights, found by search.
///
/// ```
/// minimise  Σ aⱼ·(s·qⱼ − m − xⱼ)²        qⱼ ∈ {0 … L},  m ≥ 0,  aⱼ = rms(x) + |xⱼ|
/// ```
///
/// Levels and scale depend on each other, so each of 21 trial scales gives levels by rounding, and
/// for those levels the best scale and minimum have a closed form (weighted least squares). What has
/// the least error is kept; trials that follow start from its minimum.
///
/// All sums are float32 from left to right: the reference's `make_qkx2_quants`.
record AffineFit(float scale, float minimum, int[] levels) {
  private static final int TRIALS = 21;

  static AffineFit search(float[] x, int from, int count, int most) {
    float[] importance = importance(x, from, count);
    float least = x[from];
    float largest = x[from];
    float sumA = 0;
    float sumX = 0;
    for (int j = 0; j < count; j++) {
      least = Math.min(least, x[from + j]);
      largest = Math.max(largest, x[from + j]);
      sumA += importance[j];
      sumX += importance[j] * x[from + j];
    }
    if (least > 0) least = 0; // −m: the levels must reach 0 from above
    if (largest == least) return new AffineFit(0, -least, new int[count]);

    float range = largest - least;
    float scale = 1 / (most / range);
    int[] levels = levels(x, from, count, most / range, least, most);
    float error = error(x, from, importance, levels, scale, least);
    for (int trial = 0; trial < TRIALS; trial++) {
      float inverse = (-1 + 0.1f * trial + most) / (largest - least);
      int[] candidate = levels(x, from, count, inverse, least, most);
      float sumQ = 0;
      float sumQQ = 0;
      float sumXQ = 0;
      for (int j = 0; j < count; j++) {
        sumQ += importance[j] * candidate[j];
        sumQQ += importance[j] * candidate[j] * candidate[j];
        sumXQ += importance[j] * candidate[j] * x[from + j];
      }
      float determinant = sumA * sumQQ - sumQ * sumQ;
      if (!(determinant > 0)) continue; // all levels are equal
      float bestScale = (sumA * sumXQ - sumX * sumQ) / determinant;
      float bestLeast = (sumQQ * sumX - sumQ * sumXQ) / determinant;
      if (bestLeast > 0) {
        bestLeast = 0;
        bestScale = sumXQ / sumQQ;
      }
      float candidateError = error(x, from, importance, candidate, bestScale, bestLeast);
      if (candidateError < error) {
        error = candidateError;
        levels = candidate;
        scale = bestScale;
        least = bestLeast;
      }
    }
    return new AffineFit(scale, -least, levels);
  }

  private static float[] importance(float[] x, int from, int count) {
    float squares = 0;
    for (int j = 0; j < count; j++) squares += x[from + j] * x[from + j];
    float rms = (float) Math.sqrt(squares / count);
    float[] importance = new float[count];
    for (int j = 0; j < count; j++) importance[j] = rms + Math.abs(x[from + j]);
    return importance;
  }

  private static int[] levels(
      float[] x, int from, int count, float inverse, float least, int most) {
    int[] levels = new int[count];
    for (int j = 0; j < count; j++) levels[j] = nearest(inverse * (x[from + j] - least), 0, most);
    return levels;
  }

  private static float error(
      float[] x, int from, float[] importance, int[] levels, float scale, float least) {
    float error = 0;
    for (int j = 0; j < levels.length; j++) {
      float difference = scale * levels[j] + least - x[from + j];
      error += importance[j] * (difference * difference);
    }
    return error;
  }
}
