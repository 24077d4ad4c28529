package lemma.sampling.constrain;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.SamplingKernel;

/// The tokens of a vocabulary that may come next, a bit each.
///
/// ```
/// x̃ᵢ = xᵢ if i is allowed, −∞ otherwise    ⇒    P̃(i) = P(i) / Σ P(j) over the allowed j
/// ```
///
/// A mask that allows few tokens lists them, one that removes few lists those, so that a step need
/// not touch the whole vocabulary.
public final class TokenMask {
  /// The largest share of a vocabulary that is listed, one part in so many.
  private static final int LISTED = 8;

  private final long[] words;
  private final int vocabularySize;
  private final int count;
  private final int[] few;

  /// Bit i % 64 of word i / 64 stands for token i.
  TokenMask(long[] words, int vocabularySize) {
    this.words = words;
    this.vocabularySize = vocabularySize;
    this.count = Arrays.stream(words).mapToInt(Long::bitCount).sum();
    boolean fewAllowed = count <= vocabularySize / LISTED;
    boolean fewRemoved = vocabularySize - count <= vocabularySize / LISTED;
    this.few = fewAllowed ? list(true) : fewRemoved ? list(false) : null;
  }

  /// The number of tokens that it speaks of.
  public int vocabularySize() {
    return vocabularySize;
  }

  /// How many are allowed.
  public int count() {
    return count;
  }

  /// @throws IllegalArgumentException if the token is outside the vocabulary
  public boolean allows(int token) {
    if (token < 0 || token >= vocabularySize)
      throw new IllegalArgumentException(
          "token %d is outside the vocabulary of %d".formatted(token, vocabularySize));
    return (words[token >> 6] & 1L << token) != 0;
  }

  /// The allowed tokens, ascending.
  public int[] tokens() {
    return list(true);
  }

  private int[] list(boolean allowed) {
    return IntStream.range(0, vocabularySize).filter(t -> allows(t) == allowed).toArray();
  }

  /// The bits, in a new array: bit i % 64 of word i / 64 stands for token i.
  public long[] words() {
    return words.clone();
  }

  /// The logits with −∞ for what is not allowed, in a new array. Logits beyond the vocabulary, with
  /// which some models fill up theirs, are never allowed.
  ///
  /// @throws IllegalArgumentException if there are fewer logits than tokens
  public double[] apply(double[] logits) {
    check(logits.length);
    double[] masked = new double[logits.length];
    Arrays.fill(masked, Logits.REMOVED);
    for (int token = 0; token < vocabularySize; token++)
      if ((words[token >> 6] & 1L << token) != 0) masked[token] = logits[token];
    return masked;
  }

  /// The same in place, for the fast forms.
  ///
  /// @throws IllegalArgumentException if there are fewer logits than tokens
  public void apply(float[] logits) {
    check(logits.length);
    if (few != null && count > few.length) {
      for (int token : few) logits[token] = Float.NEGATIVE_INFINITY;
    } else {
      for (int w = 0; w < words.length; w++) {
        int from = w << 6;
        int to = Math.min(from + 64, vocabularySize);
        if (words[w] == 0) Arrays.fill(logits, from, to, Float.NEGATIVE_INFINITY);
        else if (words[w] != -1L)
          for (int token = from; token < to; token++)
            if ((words[w] & 1L << token) == 0) logits[token] = Float.NEGATIVE_INFINITY;
      }
    }
    Arrays.fill(logits, vocabularySize, logits.length, Float.NEGATIVE_INFINITY);
  }

  /// Draws one of the allowed tokens: [#apply(float[])], then the step. Where few are allowed the
  /// step runs on these alone, which draws the same.
  ///
  /// @param logits may be overwritten
  /// @throws IllegalArgumentException if there are fewer logits than tokens, they are no scores, or
  ///     nothing is allowed
  public int draw(
      float[] logits, SamplingKernel kernel, Candidates scratch, RandomGenerator random) {
    if (few == null || few.length != count) {
      apply(logits);
      return kernel.draw(logits, scratch, random);
    }
    check(logits.length);
    float[] allowed = new float[count];
    for (int i = 0; i < count; i++) allowed[i] = logits[few[i]];
    return few[kernel.draw(allowed, scratch, random)];
  }

  private void check(int logits) {
    if (logits < vocabularySize)
      throw new IllegalArgumentException(
          "%d logits for a vocabulary of %d tokens".formatted(logits, vocabularySize));
  }
}
