package lemma.sampling.filter;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// A step's scores, one for each token: log-probabilities up to a constant, −∞ for a removed token.
///
/// ```
/// P(i) = exp(xᵢ − max x) / Σⱼ exp(xⱼ − max x)
/// ```
///
/// The maximum is subtracted so that no exponential overflows; it cancels.
public final class Logits {
  /// The score of a token that cannot be drawn.
  public static final double REMOVED = Double.NEGATIVE_INFINITY;

  private Logits() {}

  /// Returns the largest logit.
  ///
  /// @throws IllegalArgumentException if there is no logit, one is NaN or +∞ (which would have to
  ///     mean "certainly this one", and two of them nothing), or all are −∞
  public static double check(double[] logits) {
    if (logits.length == 0)
      throw new IllegalArgumentException("logits are empty: the vocabulary must have a token");
    double max = REMOVED;
    for (int token = 0; token < logits.length; token++) {
      double x = logits[token];
      if (Double.isNaN(x) || x == Double.POSITIVE_INFINITY)
        throw new IllegalArgumentException(
            "logits[%d] is %s, expected a finite number or -Infinity".formatted(token, x));
      max = Math.max(max, x);
    }
    if (max == REMOVED)
      throw new IllegalArgumentException(
          "logits are all -Infinity: none of " + logits.length + " tokens is left to draw");
    return max;
  }

  /// Probabilities up to a factor: exp(xᵢ − max x), so that the most probable token has 1.
  public static double[] weights(double[] logits) {
    double max = check(logits);
    double[] weights = new double[logits.length];
    for (int i = 0; i < weights.length; i++) weights[i] = Math.exp(logits[i] - max);
    return weights;
  }

  /// The distribution that the logits stand for.
  public static double[] softmax(double[] logits) {
    double[] weights = weights(logits);
    double total = sum(weights);
    for (int i = 0; i < weights.length; i++) weights[i] /= total;
    return weights;
  }

  /// The logarithms of [#softmax]: xᵢ − max x − ln Σⱼ exp(xⱼ − max x).
  public static double[] logSoftmax(double[] logits) {
    double max = check(logits);
    double logSum = Math.log(sum(weights(logits)));
    double[] result = new double[logits.length];
    for (int i = 0; i < result.length; i++) result[i] = logits[i] - max - logSum;
    return result;
  }

  /// ln P(token).
  public static double logProbability(double[] logits, int token) {
    return logits[token] - check(logits) - Math.log(sum(weights(logits)));
  }

  /// Entropy of the distribution in nats: −Σ P ln P.
  public static double entropy(double[] logits) {
    double entropy = 0;
    for (double p : softmax(logits)) if (p > 0) entropy -= p * Math.log(p);
    return entropy;
  }

  /// The most probable token; of equals the one with the lowest id.
  public static int argMax(double[] logits) {
    double max = check(logits);
    int token = 0;
    while (logits[token] != max) token++;
    return token;
  }

  /// The tokens that are not removed, ascending.
  public static int[] kept(double[] logits) {
    return IntStream.range(0, logits.length).filter(i -> logits[i] != REMOVED).toArray();
  }

  /// The tokens by falling score; equals by rising id.
  static int[] descending(double[] scores) {
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(Comparator.comparingDouble(token -> 0.0 - scores[token])) // stable; −0 equals 0
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /// The logits of the first `count` tokens of `order`, all others removed.
  static double[] keepFirst(double[] logits, int[] order, int count) {
    double[] kept = new double[logits.length];
    Arrays.fill(kept, REMOVED);
    for (int i = 0; i < count; i++) kept[order[i]] = logits[order[i]];
    return kept;
  }

  static double sum(double[] values) {
    double sum = 0;
    for (double value : values) sum += value;
    return sum;
  }

  static void checkMinTokensToKeep(int minTokensToKeep) {
    if (minTokensToKeep < 1)
      throw new IllegalArgumentException(
          "minTokensToKeep must be 1 or more, was " + minTokensToKeep);
  }
}
