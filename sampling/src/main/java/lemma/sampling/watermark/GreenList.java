package lemma.sampling.watermark;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// A secret split of the vocabulary that depends on the tokens before: a share γ of it is green.
///
/// ```
/// seed  = hash(key, last tokens)
/// green = the first ⌊γ·V⌋ tokens of a permutation drawn with that seed
/// ```
///
/// Whoever has the key can compute it again from the text alone, without the model.
///
/// Kirchenbauer et al. 2023, algorithm 2, arXiv:2301.10226. Answer: `sampling/watermark.md`.
///
/// @param vocabularySize number of tokens
/// @param gamma γ, the share that is green
/// @param key the secret
/// @param context how many tokens before decide the split: with more the mark is harder to learn and
///     easier to wash out by edits
public record GreenList(int vocabularySize, double gamma, long key, int context) {
  private static final RandomGeneratorFactory<RandomGenerator> GENERATOR =
      RandomGeneratorFactory.of("Xoshiro256PlusPlus");

  /// @throws IllegalArgumentException if γ is so near 0 or 1 that all tokens have one colour, or
  ///     `context` is less than 1
  public GreenList {
    if (!(gamma > 0 && gamma < 1))
      throw new IllegalArgumentException("gamma must be in (0, 1), was " + gamma);
    if ((int) (gamma * vocabularySize) < 1)
      throw new IllegalArgumentException(
          "gamma %s of %d tokens leaves none green".formatted(gamma, vocabularySize));
    if (context < 1)
      throw new IllegalArgumentException("context must be 1 or more, was " + context);
  }

  /// Split by the last token.
  public GreenList(int vocabularySize, double gamma, long key) {
    this(vocabularySize, gamma, key, 1);
  }

  /// Number of green tokens, the same for every text.
  public int size() {
    return (int) (gamma * vocabularySize);
  }

  /// Which tokens are green after the first `length` tokens of `text`.
  ///
  /// @throws IllegalArgumentException if there are fewer than `context` of them
  public boolean[] after(int[] text, int length) {
    if (length < context)
      throw new IllegalArgumentException(
          "%d tokens cannot seed a list that looks at %d".formatted(length, context));
    long seed = key;
    for (int i = length - context; i < length; i++) seed = mix(seed + text[i] + 1L);
    RandomGenerator random = GENERATOR.create(seed);
    int[] order = new int[vocabularySize];
    for (int token = 0; token < vocabularySize; token++) order[token] = token;
    boolean[] green = new boolean[vocabularySize];
    for (int i = 0; i < size(); i++) { // the beginning of a Fisher–Yates shuffle
      int j = random.nextInt(i, vocabularySize);
      green[order[j]] = true;
      order[j] = order[i];
    }
    return green;
  }

  /// Scatters the bits of a seed (the finaliser of SplitMix64), so that neighbours share nothing.
  private static long mix(long z) {
    z += 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
