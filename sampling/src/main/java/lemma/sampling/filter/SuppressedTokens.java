package lemma.sampling.filter;

import java.util.Set;

/// Removes some tokens while the text has a certain length.
///
/// ```
/// remove i ∈ tokens   while  from ≤ length of the history < to
/// ```
///
/// Four rules of the usual engines are this one: suppressed tokens (always), tokens suppressed at
/// the beginning (one length), and a minimum length, with or without the prompt (the end tokens,
/// until it is reached).
///
/// @param from the first length at which the tokens are removed, prompt included
/// @param to the first length at which they no longer are
public record SuppressedTokens(Set<Integer> tokens, int from, int to) implements LogitsProcessor {

  /// @throws IllegalArgumentException if a token is negative, or not `0 ≤ from ≤ to`
  public SuppressedTokens {
    tokens = Set.copyOf(tokens);
    History.checkTokens("suppressed tokens", tokens);
    if (from < 0 || to < from)
      throw new IllegalArgumentException(
          "from must be 0 or more and at most to, was %d, to %d".formatted(from, to));
  }

  /// At every step.
  public static SuppressedTokens always(Set<Integer> tokens) {
    return new SuppressedTokens(tokens, 0, Integer.MAX_VALUE);
  }

  /// Only at the step that has `length` tokens before it.
  public static SuppressedTokens at(int length, Set<Integer> tokens) {
    return new SuppressedTokens(tokens, length, Math.addExact(length, 1));
  }

  /// No end before the text, prompt included, has `length` tokens.
  public static SuppressedTokens minLength(int length, Set<Integer> endTokens) {
    return new SuppressedTokens(endTokens, 0, length);
  }

  /// No end before `count` tokens were generated.
  public static SuppressedTokens minNewTokens(int count, int promptLength, Set<Integer> endTokens) {
    return minLength(Math.addExact(promptLength, count), endTokens);
  }

  /// @throws IllegalArgumentException if a token is outside the vocabulary
  @Override
  public double[] process(int[] history, double[] logits) {
    Logits.check(logits);
    double[] allowed = logits.clone();
    boolean applies = from <= history.length && history.length < to;
    for (int token : tokens) {
      int checked = History.inVocabulary("suppressed tokens", token, logits.length);
      if (applies) allowed[checked] = Logits.REMOVED;
    }
    return allowed;
  }
}
