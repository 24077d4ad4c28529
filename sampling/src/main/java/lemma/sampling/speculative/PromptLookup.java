package lemma.sampling.speculative;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/// Guesses that the text repeats itself: what followed the last tokens when they last came.
///
/// ```
/// n = longest, …, 1:   the latest earlier place of the last n tokens  →  the tokens after it
/// ```
///
/// It costs a search through the text and no model; it pays where answers quote their prompt
/// (summaries, code edits, retrieval). A guess is certain of itself, so q is 1 on the token: it
/// stays with probability p(x), and the residual is p without it.
///
/// Yang et al. 2023 (inference with reference), arXiv:2304.04487. Answer:
/// `sampling/speculative-decoding.md`.
///
/// @param longest the longest run of tokens to look for
/// @param vocabularySize number of tokens
public record PromptLookup(int longest, int vocabularySize) implements Draft {

  /// @throws IllegalArgumentException if one of them is less than 1
  public PromptLookup {
    if (longest < 1)
      throw new IllegalArgumentException("longest must be 1 or more, was " + longest);
    if (vocabularySize < 1)
      throw new IllegalArgumentException("vocabularySize must be 1 or more, was " + vocabularySize);
  }

  @Override
  public Guess guess(int[] text, int most, RandomGenerator random) {
    int from = continuation(text);
    if (from < 0) return Guess.NONE;
    int[] tokens = Arrays.copyOfRange(text, from, Math.min(text.length, from + most));
    double[][] certain = new double[tokens.length][vocabularySize];
    for (int i = 0; i < tokens.length; i++) certain[i][tokens[i]] = 1;
    return new Guess(tokens, certain);
  }

  /// Where the text went on after the latest earlier place of its longest repeated end, or −1.
  private int continuation(int[] text) {
    for (int n = Math.min(longest, text.length - 1); n >= 1; n--)
      for (int start = text.length - n - 1; start >= 0; start--)
        if (Arrays.equals(text, start, start + n, text, text.length - n, text.length))
          return start + n;
    return -1;
  }
}
