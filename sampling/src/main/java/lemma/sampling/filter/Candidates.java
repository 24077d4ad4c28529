package lemma.sampling.filter;

import java.util.Arrays;

/// The tokens still in the running, ids ascending, and the scratch space of the fast forms.
///
/// One object serves any number of steps, on one thread: it grows to the largest vocabulary seen
/// and allocates nothing afterwards.
public final class Candidates {
  private int[] tokens = {};
  private float[] logits = {};
  private double[] weights = {};
  private int count;

  /// Scratch of the selections: a copy of logits, sort keys, largest logit and mass of chunks.
  float[] values = {};

  long[] keys = {};

  /// How many of the keys are in order, after those that were taken as a whole.
  int sorted;

  int taken;
  double takenMass;

  final float[] maxima = new float[LogitScan.CHUNKS];
  final double[] masses = new double[LogitScan.CHUNKS];

  /// Number of tokens.
  public int count() {
    return count;
  }

  /// The tokens, ascending, in a new array.
  public int[] tokens() {
    return Arrays.copyOf(tokens, count);
  }

  int token(int index) {
    return tokens[index];
  }

  float logit(int index) {
    return logits[index];
  }

  float[] logits() {
    return logits;
  }

  /// Empties the list and makes room for a vocabulary.
  void reset(int vocabularySize) {
    count = 0;
    if (tokens.length >= vocabularySize) return;
    tokens = new int[vocabularySize];
    logits = new float[vocabularySize];
    values = new float[vocabularySize];
    keys = new long[vocabularySize];
    weights = new double[vocabularySize];
  }

  void add(int token, float logit) {
    tokens[count] = token;
    logits[count++] = logit;
  }

  /// Keeps what is at least `threshold`; of the tokens equal to it only so many that `most` stay.
  void keep(float threshold, int most) {
    int above = 0;
    for (int i = 0; i < count; i++) if (logits[i] > threshold) above++;
    int equal = most - above;
    int kept = 0;
    for (int i = 0; i < count; i++) {
      boolean stays = logits[i] > threshold || logits[i] == threshold && equal-- > 0;
      if (!stays) continue;
      tokens[kept] = tokens[i];
      logits[kept++] = logits[i];
    }
    count = kept;
  }

  /// [TopP] among the candidates.
  void keepTopP(double temperature, double p) {
    double target = p * weigh(temperature);
    for (int i = 0; i < count; i++) keys[i] = Keys.of(logits[i], i);
    Arrays.sort(keys, 0, count);
    double mass = 0;
    int nucleus = 0;
    while (nucleus < count && (mass < target || nucleus == 0))
      mass += weights[Keys.token(keys[nucleus++])];
    keep(Keys.logit(keys[nucleus - 1]), nucleus);
  }

  /// [MinP] among the candidates, which hold the most probable token.
  void keepMinP(double temperature, double minP) {
    weigh(temperature);
    float threshold = Float.POSITIVE_INFINITY;
    for (int i = 0; i < count; i++)
      if (weights[i] >= minP) threshold = Math.min(threshold, logits[i]);
    keep(threshold, count);
  }

  /// The token at which the cumulated probability first exceeds `uniform`.
  int draw(double temperature, double uniform) {
    double target = uniform * weigh(temperature);
    double mass = 0;
    for (int i = 0; i < count; i++) {
      mass += weights[i];
      if (mass > target) return tokens[i];
    }
    return tokens[count - 1];
  }

  /// exp((x − max x) / T) of each candidate, with the arithmetic of the formula; returns the sum.
  private double weigh(double temperature) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) max = Math.max(max, logits[i]);
    double sum = 0;
    for (int i = 0; i < count; i++) sum += weights[i] = Weight.of(logits[i], max, temperature);
    return sum;
  }
}
