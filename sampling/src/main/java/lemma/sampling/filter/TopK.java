package lemma.sampling.filter;

/// Keeps the k largest logits.
///
/// ```
/// keep i  ⇔  xᵢ is among the k largest of x;   k = 0 keeps all
/// ```
///
/// What happens to tokens equal to the k-th is a convention: [Ties].
///
/// Fan, Lewis & Dauphin 2018, section 5.3, arXiv:1805.04833. Answer: `sampling/top-k.md`.
///
/// @param k number of tokens to keep, 0 for all
/// @param ties what happens to tokens equal to the k-th
/// @param minTokensToKeep a smaller k is raised to this
public record TopK(int k, Ties ties, int minTokensToKeep) implements LogitsProcessor {

  /// What happens to tokens that are equal to the k-th largest.
  public enum Ties {
    /// Exactly k tokens stay; of equals those with the lowest ids (llama.cpp keeps k as well).
    EXACTLY_K,
    /// All equals stay, so more than k tokens may (transformers).
    KEEP_ALL
  }

  /// @throws IllegalArgumentException if `k` is negative or `minTokensToKeep` less than 1
  public TopK {
    if (k < 0) throw new IllegalArgumentException("k must be 0 (keep all) or more, was " + k);
    Logits.checkMinTokensToKeep(minTokensToKeep);
  }

  /// Exactly `k` tokens.
  public TopK(int k) {
    this(k, Ties.EXACTLY_K, 1);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    Logits.check(logits);
    if (k == 0) return logits.clone();
    int count = Math.min(Math.max(k, minTokensToKeep), logits.length);
    int[] order = Logits.descending(logits);
    if (ties == Ties.KEEP_ALL)
      while (count < order.length && logits[order[count]] == logits[order[count - 1]]) count++;
    return Logits.keepFirst(logits, order, count);
  }
}
