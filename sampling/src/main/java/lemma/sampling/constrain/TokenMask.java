package lemma.sampling.constrain;

import java.util.Arrays;
import java.util.stream.IntStream;
import lemma.sampling.filter.Logits;

/// The tokens of a vocabulary that may come next, a bit each.
///
/// ```
/// x̃ᵢ = xᵢ if i is allowed, −∞ otherwise    ⇒    P̃(i) = P(i) / Σ P(j) over the allowed j
/// ```
public final class TokenMask {
  private final long[] words;
  private final int vocabularySize;
  private final int count;

  /// Bit i % 64 of word i / 64 stands for token i.
  TokenMask(long[] words, int vocabularySize) {
    this.words = words;
    this.vocabularySize = vocabularySize;
    this.count = Arrays.stream(words).mapToInt(Long::bitCount).sum();
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
    return IntStream.range(0, vocabularySize).filter(this::allows).toArray();
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

  /// The same in place, for the fast forms: words that allow everything or nothing are not looked
  /// into.
  ///
  /// @throws IllegalArgumentException if there are fewer logits than tokens
  public void apply(float[] logits) {
    check(logits.length);
    for (int w = 0; w < words.length; w++) {
      long removed = ~words[w];
      int from = w << 6;
      int to = Math.min(from + 64, vocabularySize);
      if (removed == -1L) Arrays.fill(logits, from, to, Float.NEGATIVE_INFINITY);
      else
        for (; removed != 0; removed &= removed - 1) {
          int token = from + Long.numberOfTrailingZeros(removed);
          if (token < to) logits[token] = Float.NEGATIVE_INFINITY;
        }
    }
    Arrays.fill(logits, vocabularySize, logits.length, Float.NEGATIVE_INFINITY);
  }

  private void check(int logits) {
    if (logits < vocabularySize)
      throw new IllegalArgumentException(
          "%d logits for a vocabulary of %d tokens".formatted(logits, vocabularySize));
  }
}
