package lemma.benchmarks;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// Logits shaped like a trained model's, for the sampling benchmarks.
///
/// ```
/// bulk: xᵢ ~ 2.5 · N(0, 1);   head: 200 tokens at random places, the r-th with 18 − 1.5 · ln r
/// ```
///
/// The head falls as a power law (P ∝ r^−1.5) and holds some 98 % of the mass, as after a text that
/// leaves a few dozen continuations open; top-p 0.9 keeps a few dozen tokens.
final class PeakedLogits {
  private PeakedLogits() {}

  static float[] of(int vocabularySize) {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    float[] logits = new float[vocabularySize];
    for (int i = 0; i < vocabularySize; i++) logits[i] = (float) (2.5 * random.nextGaussian());
    for (int rank = 1; rank <= 200; rank++)
      logits[random.nextInt(vocabularySize)] = (float) (18 - 1.5 * Math.log(rank));
    return logits;
  }

  static double[] wide(float[] logits) {
    double[] wide = new double[logits.length];
    for (int i = 0; i < wide.length; i++) wide[i] = logits[i];
    return wide;
  }
}
