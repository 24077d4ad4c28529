package lemma.sampling.generate;

import java.util.List;
import java.util.Set;

/// When a text ends. The first condition that holds counts, see [FinishReason].
///
/// @param maxTokens most tokens to generate
/// @param endTokens tokens that end a text, from the model's configuration
/// @param ignoreEnd go on after an end token as after any other (for measuring speed)
/// @param texts end before the first of these texts, wherever token borders fall
/// @param tokens end after the first of these token sequences
public record StopConditions(
    int maxTokens,
    Set<Integer> endTokens,
    boolean ignoreEnd,
    List<String> texts,
    List<List<Integer>> tokens) {

  /// @throws IllegalArgumentException naming the condition that makes no sense
  public StopConditions {
    if (maxTokens < 1)
      throw new IllegalArgumentException("maxTokens must be 1 or more, was " + maxTokens);
    new StopText(texts);
    endTokens = Set.copyOf(endTokens);
    texts = List.copyOf(texts);
    tokens = tokens.stream().map(List::copyOf).toList();
    if (tokens.contains(List.<Integer>of()))
      throw new IllegalArgumentException("stopTokens must not hold an empty sequence");
  }

  /// Nothing but the number of tokens.
  public static StopConditions after(int maxTokens) {
    return new StopConditions(maxTokens, Set.of(), false, List.of(), List.of());
  }

  public StopConditions withMaxTokens(int count) {
    return new StopConditions(count, endTokens, ignoreEnd, texts, tokens);
  }

  public StopConditions withEndTokens(Set<Integer> ends) {
    return new StopConditions(maxTokens, ends, ignoreEnd, texts, tokens);
  }

  public StopConditions withIgnoreEnd(boolean ignore) {
    return new StopConditions(maxTokens, endTokens, ignore, texts, tokens);
  }

  public StopConditions withTexts(List<String> stops) {
    return new StopConditions(maxTokens, endTokens, ignoreEnd, stops, tokens);
  }

  public StopConditions withTokens(List<List<Integer>> sequences) {
    return new StopConditions(maxTokens, endTokens, ignoreEnd, texts, sequences);
  }
}
