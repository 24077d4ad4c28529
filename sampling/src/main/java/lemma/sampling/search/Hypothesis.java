package lemma.sampling.search;

import java.util.Arrays;

/// A text that a search has found.
///
/// @param tokens the tokens after the prompt, an end token included
/// @param logProbability ln P of them (with the penalties of [DiverseBeamSearch], where it made it)
/// @param score what the texts are ranked by: `logProbability` after the [LengthPenalty]
public record Hypothesis(int[] tokens, double logProbability, double score) {

  /// Whether the tokens and the numbers are equal.
  @Override
  public boolean equals(Object other) {
    return other instanceof Hypothesis that
        && Arrays.equals(tokens, that.tokens)
        && logProbability == that.logProbability
        && score == that.score;
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(tokens) + 31 * Double.hashCode(score);
  }

  @Override
  public String toString() {
    return "%s ln P %.4f, score %.4f".formatted(Arrays.toString(tokens), logProbability, score);
  }
}
