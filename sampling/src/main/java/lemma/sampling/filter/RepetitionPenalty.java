package lemma.sampling.filter;

/// Pushes down every token that the history holds already, once however often it occurs.
///
/// ```
/// xᵢ ← xᵢ / θ  if xᵢ > 0,   xᵢ · θ  otherwise;   for each i in the history
/// ```
///
/// θ = 1 changes nothing, θ < 1 invites repetition. The rule looks at the sign of a logit, so it is
/// the only link whose result changes when a constant is added to all logits.
///
/// Keskar et al. 2019 (CTRL), section 4.1, arXiv:1909.05858.
public record RepetitionPenalty(double penalty) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `penalty` is not a positive finite number
  public RepetitionPenalty {
    if (!(penalty > 0 && penalty < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("repetition penalty must be positive, was " + penalty);
  }

  /// @throws IllegalArgumentException if a token of `history` is outside the vocabulary
  @Override
  public double[] process(int[] history, double[] logits) {
    Logits.check(logits);
    double[] penalised = logits.clone();
    for (int token : history) {
      if (token < 0 || token >= logits.length)
        throw new IllegalArgumentException(
            "history has token %d, the vocabulary %d".formatted(token, logits.length));
      penalised[token] = logits[token] > 0 ? logits[token] / penalty : logits[token] * penalty;
    }
    return penalised;
  }
}
