package lemma.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.proof.GoldenCase;
import lemma.proof.Numbers;
import lemma.proof.Proof;
import lemma.proof.Refusal;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;
import org.apache.commons.math3.stat.inference.ChiSquareTest;

/// What the proofs of this module share: logits to try, rows of golden cases, a chi-square test.
public final class SamplingProofs {
  private SamplingProofs() {}

  /// Logits like a model's: a bulk of width 2.5 and `head` tokens that fall as a power law.
  public static float[] peaked(int vocabularySize, int head, RandomGenerator random) {
    float[] logits = new float[vocabularySize];
    for (int i = 0; i < vocabularySize; i++) logits[i] = (float) (2.5 * random.nextGaussian());
    for (int rank = 1; rank <= head; rank++)
      logits[random.nextInt(vocabularySize)] = (float) (18 - 1.5 * Math.log(rank));
    return logits;
  }

  /// Logits in steps of `grain`, so that many are equal.
  public static float[] coarse(int vocabularySize, double grain, RandomGenerator random) {
    float[] logits = new float[vocabularySize];
    for (int i = 0; i < vocabularySize; i++)
      logits[i] = (float) (grain * Math.round(3 * random.nextGaussian() / grain));
    return logits;
  }

  /// `logits` with a share of the tokens removed, never all.
  public static float[] thinned(float[] logits, double share, RandomGenerator random) {
    float[] result = logits.clone();
    for (int i = 1; i < result.length; i++)
      if (random.nextDouble() < share) result[i] = Float.NEGATIVE_INFINITY;
    return result;
  }

  /// Applies `function` to each row of a tensor of one or two axes.
  public static double[] rows(Tensor logits, UnaryOperator<double[]> function) {
    int length = logits.size(Tensor.LAST);
    double[] all = logits.toArray();
    double[] result = new double[all.length];
    for (int from = 0; from < all.length; from += length) {
      double[] row = function.apply(Arrays.copyOfRange(all, from, from + length));
      System.arraycopy(row, 0, result, from, length);
    }
    return result;
  }

  /// Holds what a filter keeps, and its probabilities, against the reference.
  public static void expectFilter(GoldenCase golden, LogitsProcessor filter, Proof proof) {
    double[] scores = filter.process(new int[0], golden.doubles("logits"));
    golden.expect("kept", Logits.kept(scores));
    golden.expect("probs", Logits.softmax(scores), proof);
  }

  /// Requires a link to refuse logits that are no scores.
  public static void requireScores(LogitsProcessor link) {
    int[] history = {0};
    double infinity = Double.POSITIVE_INFINITY;
    Refusal.of(() -> link.process(history, new double[0]), "logits", "empty");
    Refusal.of(() -> link.process(history, new double[] {1, Double.NaN}), "logits[1]", "NaN");
    Refusal.of(() -> link.process(history, new double[] {infinity, 1}), "logits[0]", "Infinity");
    Refusal.of(() -> link.process(history, new double[] {-infinity, -infinity}), "all", "2 tokens");
  }

  /// One draw from a seeded source.
  @FunctionalInterface
  public interface Source {
    int next(RandomGenerator random);
  }

  /// Draws `count` tokens and requires a chi-square p-value above 1e-4: a correct sampler fails one
  /// seed in ten thousand. Tokens expected less than five times are pooled.
  public static void requireDistribution(
      Source source, double[] probabilities, int count, long seed, Proof proof) {
    RandomGenerator random = Numbers.random(seed);
    long[] observed = new long[probabilities.length];
    for (int i = 0; i < count; i++) observed[source.next(random)]++;
    double[] expectedCells = new double[probabilities.length + 1];
    long[] observedCells = new long[probabilities.length + 1];
    int cells = 1; // cell 0 is the pool
    for (int i = 0; i < probabilities.length; i++) {
      double expected = probabilities[i] * count;
      if (expected == 0) assertThat(observed[i]).as("draws of removed token " + i).isZero();
      int cell = expected < 5 ? 0 : cells++;
      expectedCells[cell] += expected;
      observedCells[cell] += observed[i];
    }
    int from = expectedCells[0] > 0 ? 0 : 1;
    if (cells - from < 2) return; // one token only: nothing to test beyond the zeros
    proof.atLeast(
        "chi-square p-value",
        new ChiSquareTest()
            .chiSquareTest(
                Arrays.copyOfRange(expectedCells, from, cells),
                Arrays.copyOfRange(observedCells, from, cells)),
        1e-4);
  }
}
