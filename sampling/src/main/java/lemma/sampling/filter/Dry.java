package lemma.sampling.filter;

import java.util.Set;

/// Don't Repeat Yourself: the longer the passage that a token would go on repeating, the more it
/// costs.
///
/// ```
/// L(i) = longest text that ends the history and also stands before an earlier i
/// xᵢ ← xᵢ − multiplier · base^(L(i) − allowedLength)   if L(i) ≥ max(1, allowedLength)
/// ```
///
/// Single words and set phrases stay free, a loop is broken once it is long. A text never matches
/// across a breaker, and a breaker is never penalised: names in a dialogue and line ends have to
/// come again.
///
/// All L are found in one pass (the Z-algorithm), in time linear in the window.
///
/// Weidmann 2024, text-generation-webui pull request 5677. Answer: `sampling/dry.md`.
///
/// @param allowedLength the longest match that costs nothing is one token shorter
/// @param window how many of the newest tokens are looked at
/// @param breakers tokens at which a match ends
public record Dry(
    double multiplier, double base, int allowedLength, int window, Set<Integer> breakers)
    implements LogitsProcessor {

  /// @throws IllegalArgumentException if `multiplier` is negative or not finite, `base` less than 1
  ///     or not finite, `allowedLength` or `window` negative
  public Dry {
    if (!(multiplier >= 0 && multiplier < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("multiplier must be finite, 0 or more, was " + multiplier);
    if (!(base >= 1 && base < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("base must be finite, 1 or more, was " + base);
    if (allowedLength < 0)
      throw new IllegalArgumentException("allowedLength must be 0 or more, was " + allowedLength);
    History.checkWindow(window);
    breakers = Set.copyOf(breakers);
  }

  /// Over the whole history, without breakers.
  public Dry(double multiplier, double base, int allowedLength) {
    this(multiplier, base, allowedLength, History.WHOLE, Set.of());
  }

  /// @throws IllegalArgumentException if a token of the window is outside the vocabulary
  @Override
  public double[] process(int[] history, double[] logits) {
    Logits.check(logits);
    int[] lengths = matches(history, logits.length);
    double[] penalised = logits.clone();
    for (int i = 0; i < lengths.length; i++)
      if (lengths[i] >= Math.max(1, allowedLength)) penalised[i] -= penalty(lengths[i]);
    return penalised;
  }

  /// At most the largest float: a token is pushed out of reach, not removed.
  private double penalty(int length) {
    return Math.min(multiplier * Math.pow(base, length - allowedLength), Float.MAX_VALUE);
  }

  /// L of each token of the vocabulary, 0 where it would repeat nothing.
  int[] matches(int[] history, int vocabularySize) {
    int[] backward = reversed(History.newest(history, window, vocabularySize));
    int border = 0; // tokens since the newest breaker: no match is longer
    while (border < backward.length && !breakers.contains(backward[border])) border++;
    int[] common = commonPrefixes(backward);
    int[] longest = new int[vocabularySize];
    for (int i = 1; i < backward.length; i++) {
      int follower = backward[i - 1];
      if (!breakers.contains(follower))
        longest[follower] = Math.max(longest[follower], Math.min(common[i], border));
    }
    return longest;
  }

  private static int[] reversed(int[] tokens) {
    int[] backward = new int[tokens.length];
    for (int i = 0; i < tokens.length; i++) backward[i] = tokens[tokens.length - 1 - i];
    return backward;
  }

  /// How long the text from `i` on agrees with the text from 0 on, for each i > 0.
  ///
  /// `[from, to)` is the known agreement that reaches farthest; inside it an answer can be looked up
  /// at the start of the text, and only beyond `to` tokens are compared: each at most once.
  private static int[] commonPrefixes(int[] text) {
    int[] common = new int[text.length];
    int from = 0;
    int to = 0;
    for (int i = 1; i < text.length; i++) {
      int length = i < to ? Math.min(common[i - from], to - i) : 0;
      while (i + length < text.length && text[length] == text[i + length]) length++;
      common[i] = length;
      if (i + length > to) {
        from = i;
        to = i + length;
      }
    }
    return common;
  }
}
