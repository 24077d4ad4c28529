package lemma.sampling.filter;

import java.util.Set;

/// Makes the end likelier with each token past a length.
///
/// ```
/// x_end ← x_end + |x_end| · (factor^(length − start) − 1)   if length > start
/// ```
///
/// It grows with the magnitude of the logit, so a logit of 0 is never raised, and like
/// [RepetitionPenalty] it is not invariant to a constant added to all logits.
///
/// @param start the length, prompt included, after which the end is favoured
/// @param factor above 1 to favour the end, below 1 to put it off
public record ExponentialLengthPenalty(int start, double factor, Set<Integer> endTokens)
    implements LogitsProcessor {

  /// @throws IllegalArgumentException if `start` is negative, `factor` not a positive finite number
  ///     or an end token negative
  public ExponentialLengthPenalty {
    if (start < 0) throw new IllegalArgumentException("start must be 0 or more, was " + start);
    if (!(factor > 0 && factor < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("factor must be positive and finite, was " + factor);
    endTokens = Set.copyOf(endTokens);
    History.checkTokens("endTokens", endTokens);
  }

  /// @throws IllegalArgumentException if an end token is outside the vocabulary
  @Override
  public double[] process(int[] history, double[] logits) {
    Logits.check(logits);
    double[] raised = logits.clone();
    int past = Math.max(0, history.length - start);
    for (int token : endTokens) {
      double x = logits[History.inVocabulary("endTokens", token, logits.length)];
      if (x == Logits.REMOVED) continue; // removed stays removed
      raised[token] = Math.min(x + Math.abs(x) * (Math.pow(factor, past) - 1), Float.MAX_VALUE);
    }
    return raised;
  }
}
