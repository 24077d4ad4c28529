package lemma.sampling.search;

import java.util.Arrays;
import java.util.Set;
import lemma.sampling.filter.Logits;

/// Greedy search: the most probable token at every step.
///
/// ```
/// yₜ = argmaxᵢ P(i | prompt, y₁ … yₜ₋₁)   until an end token or `maxTokens`
/// ```
///
/// Of equals the token with the lowest id is taken. Best at each step is not best for the whole
/// text: see `sampling/greedy.md`.
///
/// @param maxTokens most tokens to append
/// @param endTokens tokens that end a text
public record GreedySearch(int maxTokens, Set<Integer> endTokens) {

  /// The tokens after the prompt, an end token included, and ln P of them.
  public record Result(int[] tokens, double logProbability) {}

  /// @throws IllegalArgumentException if `maxTokens` is less than 1
  public GreedySearch {
    if (maxTokens < 1)
      throw new IllegalArgumentException("maxTokens must be 1 or more, was " + maxTokens);
    endTokens = Set.copyOf(endTokens);
  }

  /// Continues `prompt`.
  ///
  /// @throws IllegalArgumentException if the model's logits are no scores
  public Result search(NextToken model, int[] prompt) {
    int[] text = prompt;
    double logProbability = 0;
    for (int step = 0; step < maxTokens; step++) {
      double[] logits = model.logits(text);
      int best = Logits.argMax(logits);
      logProbability += Logits.logProbability(logits, best);
      text = Arrays.copyOf(text, text.length + 1);
      text[text.length - 1] = best;
      if (endTokens.contains(best)) break;
    }
    return new Result(Arrays.copyOfRange(text, prompt.length, text.length), logProbability);
  }
}
