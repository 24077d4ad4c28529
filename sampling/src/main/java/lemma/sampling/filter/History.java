package lemma.sampling.filter;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/// The tokens so far, as the rules that look back read them.
final class History {
  /// A window that holds any history.
  static final int WHOLE = Integer.MAX_VALUE;

  private History() {}

  /// The newest `window` tokens.
  ///
  /// @throws IllegalArgumentException if one of them is outside the vocabulary
  static int[] newest(int[] history, int window, int vocabularySize) {
    int[] newest =
        Arrays.copyOfRange(history, Math.max(0, history.length - window), history.length);
    for (int token : newest)
      if (token < 0 || token >= vocabularySize)
        throw new IllegalArgumentException(
            "history has token %d, the vocabulary %d".formatted(token, vocabularySize));
    return newest;
  }

  /// Whether `history` ends with all but the last token of `sequence`, which would complete it.
  static boolean awaitsLast(int[] history, List<Integer> sequence) {
    int prefix = sequence.size() - 1;
    if (prefix > history.length) return false;
    for (int i = 0; i < prefix; i++)
      if (history[history.length - prefix + i] != sequence.get(i)) return false;
    return true;
  }

  static void checkWindow(int window) {
    if (window < 0)
      throw new IllegalArgumentException(
          "window must be 0 (look at nothing) or more, was " + window);
  }

  /// @throws IllegalArgumentException naming `name` if one of the tokens is negative
  static void checkTokens(String name, Collection<Integer> tokens) {
    for (int token : tokens)
      if (token < 0)
        throw new IllegalArgumentException(
            "%s must not have negative tokens, had %s".formatted(name, tokens));
  }

  /// @throws IllegalArgumentException naming `name` if `token` is outside the vocabulary
  static int inVocabulary(String name, int token, int vocabularySize) {
    if (token >= vocabularySize)
      throw new IllegalArgumentException(
          "%s has token %d, the vocabulary %d".formatted(name, token, vocabularySize));
    return token;
  }
}
