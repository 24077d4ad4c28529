package lemma.sampling.filter;

/// Pushes down every token that the history holds already, once however often it occurs.
///
/// ```
/// xᵢ ← xᵢ / θ  if xᵢ > 0,   xᵢ · θ  otherwise;   for each i in the history
/// ```
///
/// θ = 1 changes nothing, θ < 1 invites repetition. The rule looks at the sign of a logit, so
/// unlike [PresenceFrequencyPenalty] it gives another distribution when a constant is added to all
/// logits.
///
/// Keskar et al. 2019 (CTRL), section 4.1, arXiv:1909.05858. Answer: `sampling/repetition.md`.
///
/// @param penalty θ
/// @param window how many of the newest tokens count
public record RepetitionPenalty(double penalty, int window) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `penalty` is not a positive finite number or `window`
  ///     negative
  public RepetitionPenalty {
    if (!(penalty > 0 && penalty < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("repetition penalty must be positive, was " + penalty);
    History.checkWindow(window);
  }

  /// Over the whole history, prompt included.
  public RepetitionPenalty(double penalty) {
    this(penalty, History.WHOLE);
  }

  /// @throws IllegalArgumentException if a token of the window is outside the vocabulary
  @Override
  public double[] process(int[] history, double[] logits) {
    Logits.check(logits);
    double[] penalised = logits.clone();
    for (int token : History.newest(history, window, logits.length))
      penalised[token] = logits[token] > 0 ? logits[token] / penalty : logits[token] * penalty;
    return penalised;
  }
}
