package lemma.sampling.draw;

import java.util.random.RandomGenerator;
import lemma.sampling.filter.Logits;

/// Ways to draw a token from softmax(x): different uses of randomness, the same distribution.
///
/// | way | uniforms a token | token |
/// |---|---|---|
/// | [InverseCdf] | 1 | the first at which the cumulated probability exceeds u |
/// | [GumbelMax] | V | argmax xᵢ − ln(−ln uᵢ) |
/// | [ExponentialRace] | V | argmax P(i) / −ln uᵢ: the same token as [GumbelMax] |
///
/// Answer: `sampling/generate.md`.
public sealed interface Draw {

  /// Number of uniforms that one token costs.
  int uniforms(int vocabularySize);

  /// The token for given uniforms in (0, 1); a removed token (−∞) is never drawn.
  ///
  /// @throws IllegalArgumentException if the logits are no scores or the number of uniforms is wrong
  int token(double[] logits, double... uniforms);

  /// Draws with numbers of `random`.
  default int token(double[] logits, RandomGenerator random) {
    double[] uniforms = new double[uniforms(logits.length)];
    for (int i = 0; i < uniforms.length; i++) uniforms[i] = random.nextDouble();
    return token(logits, uniforms);
  }

  private static void check(double[] uniforms, int expected) {
    if (uniforms.length != expected)
      throw new IllegalArgumentException(
          "uniforms must be " + expected + " numbers, were " + uniforms.length);
    for (double u : uniforms)
      if (!(u >= 0 && u < 1))
        throw new IllegalArgumentException("uniforms must be in [0, 1), one is " + u);
  }

  /// Walks along the cumulated probabilities.
  ///
  /// ```
  /// min { i : P(0) + … + P(i) > u }
  /// ```
  record InverseCdf() implements Draw {
    @Override
    public int uniforms(int vocabularySize) {
      return 1;
    }

    @Override
    public int token(double[] logits, double... uniforms) {
      check(uniforms, 1);
      double[] weights = Logits.weights(logits);
      double total = 0;
      for (double weight : weights) total += weight;
      double target = uniforms[0] * total;
      double mass = 0;
      int last = 0;
      for (int i = 0; i < weights.length; i++) {
        mass += weights[i];
        if (mass > target) return i;
        if (weights[i] > 0) last = i;
      }
      return last; // the target rounded up to the total
    }
  }

  /// Adds Gumbel noise and takes the largest.
  ///
  /// ```
  /// argmaxᵢ xᵢ + gᵢ,   gᵢ = −ln(−ln uᵢ)
  /// ```
  ///
  /// Gumbel 1954; Maddison, Tarlow & Minka 2014, arXiv:1411.0030.
  record GumbelMax() implements Draw {
    @Override
    public int uniforms(int vocabularySize) {
      return vocabularySize;
    }

    @Override
    public int token(double[] logits, double... uniforms) {
      Logits.check(logits);
      check(uniforms, logits.length);
      double[] scores = new double[logits.length];
      for (int i = 0; i < scores.length; i++) {
        double u = Math.max(uniforms[i], Double.MIN_VALUE); // 0 would be −∞, that is, removed
        scores[i] = logits[i] - Math.log(-Math.log(u));
      }
      return Logits.argMax(scores);
    }
  }

  /// Lets exponential clocks run, faster for what is more probable, and takes the first.
  ///
  /// ```
  /// argmaxᵢ P(i) / eᵢ,   eᵢ = −ln uᵢ
  /// ```
  record ExponentialRace() implements Draw {
    @Override
    public int uniforms(int vocabularySize) {
      return vocabularySize;
    }

    @Override
    public int token(double[] logits, double... uniforms) {
      double[] rates = Logits.weights(logits);
      check(uniforms, logits.length);
      int first = 0;
      double best = -1;
      for (int i = 0; i < rates.length; i++) {
        if (logits[i] == Logits.REMOVED) continue;
        double u = Math.max(uniforms[i], Double.MIN_VALUE);
        double speed = rates[i] / -Math.log(u);
        if (speed > best) {
          best = speed;
          first = i;
        }
      }
      return first;
    }
  }
}
