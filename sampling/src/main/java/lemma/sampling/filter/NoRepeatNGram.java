package lemma.sampling.filter;

/// Removes every token that would complete an n-gram which the history holds already.
///
/// ```
/// remove i  ⇔  (h₁₋ₙ₊₁ … h₁, i) occurs in h,   h₁₋ₙ₊₁ … h₁ = the newest n − 1 tokens
/// ```
///
/// So no n-gram comes twice, unless the prompt had it twice. n = 1 allows each token once. With a
/// small vocabulary the rule may remove every token; whoever comes next in the chain refuses that.
///
/// Paulus, Xiong & Socher 2017, section 2.5, arXiv:1705.04304. Answer: `sampling/repetition.md`.
public record NoRepeatNGram(int n) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `n` is less than 1
  public NoRepeatNGram {
    if (n < 1) throw new IllegalArgumentException("n must be 1 or more, was " + n);
  }

  /// @throws IllegalArgumentException if a token of `history` is outside the vocabulary
  @Override
  public double[] process(int[] history, double[] logits) {
    Logits.check(logits);
    int[] tokens = History.newest(history, History.WHOLE, logits.length);
    double[] allowed = logits.clone();
    for (int last = n - 1; last < tokens.length; last++)
      if (sameContext(tokens, last)) allowed[tokens[last]] = Logits.REMOVED;
    return allowed;
  }

  /// Whether the n − 1 tokens before `last` are the newest n − 1 tokens.
  private boolean sameContext(int[] tokens, int last) {
    for (int back = 1; back < n; back++)
      if (tokens[last - back] != tokens[tokens.length - back]) return false;
    return true;
  }
}
