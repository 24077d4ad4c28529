package lemma.sampling.filter;

import java.util.Arrays;
import java.util.Set;

/// Leaves nothing but the given tokens at one place of the text, with equal probabilities.
///
/// ```
/// length of the history = position:   xᵢ ← 0 for the tokens, −∞ for all others
/// ```
///
/// @param position index in the text, prompt included, of the token that is forced
public record ForcedTokens(int position, Set<Integer> tokens) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `position` is negative, or `tokens` empty or has a negative
  ///     one
  public ForcedTokens {
    tokens = Set.copyOf(tokens);
    if (position < 0)
      throw new IllegalArgumentException("position must be 0 or more, was " + position);
    if (tokens.isEmpty()) throw new IllegalArgumentException("forced tokens must not be empty");
    History.checkTokens("forced tokens", tokens);
  }

  /// The token after the start token of a decoder, such as a language.
  public static ForcedTokens first(int token) {
    return new ForcedTokens(1, Set.of(token));
  }

  /// The end at the last place of a text of `maxLength` tokens.
  public static ForcedTokens last(int maxLength, Set<Integer> endTokens) {
    return new ForcedTokens(maxLength - 1, endTokens);
  }

  /// @throws IllegalArgumentException if a token is outside the vocabulary
  @Override
  public double[] process(int[] history, double[] logits) {
    Logits.check(logits);
    double[] forced = new double[logits.length];
    Arrays.fill(forced, Logits.REMOVED);
    for (int token : tokens)
      forced[History.inVocabulary("forced tokens", token, logits.length)] = 0;
    return history.length == position ? forced : logits.clone();
  }
}
