package lemma.sampling.filter;

import lemma.core.kernel.Lanes;

/// The passes over the float logits of a whole vocabulary that the fast forms are made of: the
/// plain loop, then the lanes.
///
/// The logits are cut into at most 256 chunks, and the largest logit of each is remembered. Most
/// later passes then skip most chunks.
public sealed interface LogitScan permits LogitScan.Scalar, VectorisedLogitScan {
  /// Most chunks of a vocabulary.
  int CHUNKS = 256;

  /// A chunk is a multiple of this: four of the widest lanes.
  int CHUNK_STEP = 64;

  /// How far [#mass] may be from the true sum, relative to it.
  ///
  /// Within 30·T of the maximum, rounding x − max to float moves an exponent by at most
  /// 30 · 2⁻²⁴ = 1.8e-6; the exponential is good to 2.5e-7, the running sums to 1.4e-6. What lies
  /// farther off weighs less than e⁻³⁰ each, together less than 1e-6 for ten million tokens.
  double MASS_ERROR = 5e-6;

  /// Writes the largest logit of each chunk; returns the largest of all.
  ///
  /// @throws IllegalArgumentException if the logits are no scores, see [Logits#check]
  float maxima(float[] logits, float[] maxima);

  /// Σ exp((xᵢ − max) / T) over `from ≤ i < to`, within [#MASS_ERROR] for T in [1e-30, 1e30].
  double mass(float[] logits, int from, int to, float max, double temperature);

  /// Adds the tokens of `from ≤ i < to` whose logit is at least `threshold`.
  void gather(float[] logits, int from, int to, float threshold, Candidates candidates);

  /// softmax(x / T) into `probabilities`, which may be `logits`.
  ///
  /// @throws IllegalArgumentException if the logits are no scores or `temperature` is not in
  ///     [1e-30, 1e30]
  void softmax(float[] logits, double temperature, float[] probabilities);

  /// The fastest form that this JVM can run.
  static LogitScan best() {
    return Lanes.available() ? new VectorisedLogitScan() : new Scalar();
  }

  /// Length of the chunks of a vocabulary.
  static int chunk(int vocabularySize) {
    int even = (vocabularySize + CHUNKS - 1) / CHUNKS;
    return Math.max(1, (even + CHUNK_STEP - 1) / CHUNK_STEP) * CHUNK_STEP;
  }

  static int chunks(int vocabularySize) {
    int chunk = chunk(vocabularySize);
    return (vocabularySize + chunk - 1) / chunk;
  }

  /// Fills `candidates` with every token of at least `threshold`, skipping chunks by their `maxima`.
  default void gather(float[] logits, float threshold, Candidates candidates) {
    candidates.reset(logits.length);
    int chunk = chunk(logits.length);
    for (int c = 0, from = 0; from < logits.length; c++, from += chunk)
      if (candidates.maxima[c] >= threshold)
        gather(logits, from, Math.min(from + chunk, logits.length), threshold, candidates);
  }

  /// The most probable token; of equals the one with the lowest id.
  ///
  /// @throws IllegalArgumentException if the logits are no scores, see [Logits#check]
  default int argMax(float[] logits, Candidates scratch) {
    float max = maxima(logits, scratch.maxima);
    int chunk = 0;
    while (scratch.maxima[chunk] != max) chunk++;
    int token = chunk * chunk(logits.length);
    while (logits[token] != max) token++;
    return token;
  }

  /// The largest logit after all were found to be scores.
  static float checked(float[] logits, float max, boolean nan) {
    if (!nan && max < Float.POSITIVE_INFINITY && max > Float.NEGATIVE_INFINITY) return max;
    double[] wide = new double[logits.length];
    for (int i = 0; i < wide.length; i++) wide[i] = logits[i];
    return (float) Logits.check(wide);
  }

  static void checkTemperature(double temperature) {
    if (!(temperature >= 1e-30 && temperature <= 1e30))
      throw new IllegalArgumentException(
          "temperature of the fast form must be in [1e-30, 1e30], was " + temperature);
  }

  /// Plain loops.
  record Scalar() implements LogitScan {
    @Override
    public float maxima(float[] logits, float[] maxima) {
      int chunk = chunk(logits.length);
      float max = Float.NEGATIVE_INFINITY;
      boolean nan = false;
      for (int c = 0, from = 0; from < logits.length; c++, from += chunk) {
        int to = Math.min(from + chunk, logits.length);
        maxima[c] = Float.NEGATIVE_INFINITY;
        for (int i = from; i < to; i++) {
          if (logits[i] > maxima[c]) maxima[c] = logits[i];
          nan |= Float.isNaN(logits[i]);
        }
        max = Math.max(max, maxima[c]);
      }
      return checked(logits, max, nan);
    }

    @Override
    public double mass(float[] logits, int from, int to, float max, double temperature) {
      double sum = 0;
      for (int i = from; i < to; i++) sum += Weight.of(logits[i], max, temperature);
      return sum;
    }

    @Override
    public void gather(float[] logits, int from, int to, float threshold, Candidates candidates) {
      for (int i = from; i < to; i++) if (logits[i] >= threshold) candidates.add(i, logits[i]);
    }

    @Override
    public void softmax(float[] logits, double temperature, float[] probabilities) {
      checkTemperature(temperature);
      float max = Float.NEGATIVE_INFINITY;
      boolean nan = false;
      for (float logit : logits) {
        max = Math.max(max, logit);
        nan |= Float.isNaN(logit);
      }
      checked(logits, max, nan);
      double sum = 0;
      for (int i = 0; i < logits.length; i++)
        sum += probabilities[i] = (float) Weight.of(logits[i], max, temperature);
      float scale = (float) (1 / sum);
      for (int i = 0; i < logits.length; i++) probabilities[i] *= scale;
    }
  }
}
