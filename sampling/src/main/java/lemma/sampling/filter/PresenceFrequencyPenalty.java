package lemma.sampling.filter;

/// Takes from a token's logit a fixed amount if it has occurred, and an amount for each time.
///
/// ```
/// xᵢ ← xᵢ − presence · [cᵢ > 0] − frequency · cᵢ,   cᵢ = how often i is among the newest tokens
/// ```
///
/// Subtracting from a logit divides the odds by e^amount, whatever the logit's sign. Negative
/// amounts invite repetition.
///
/// OpenAI API, `presence_penalty` and `frequency_penalty`. Answer: `sampling/repetition.md`.
///
/// @param presence taken once from a token that has occurred
/// @param frequency taken for each occurrence
/// @param window how many of the newest tokens count
public record PresenceFrequencyPenalty(double presence, double frequency, int window)
    implements LogitsProcessor {

  /// @throws IllegalArgumentException if an amount is not finite or `window` negative
  public PresenceFrequencyPenalty {
    if (!Double.isFinite(presence))
      throw new IllegalArgumentException("presence penalty must be finite, was " + presence);
    if (!Double.isFinite(frequency))
      throw new IllegalArgumentException("frequency penalty must be finite, was " + frequency);
    History.checkWindow(window);
  }

  /// Over the whole history.
  public PresenceFrequencyPenalty(double presence, double frequency) {
    this(presence, frequency, History.WHOLE);
  }

  /// @throws IllegalArgumentException if a token of the window is outside the vocabulary
  @Override
  public double[] process(int[] history, double[] logits) {
    Logits.check(logits);
    int[] counts = new int[logits.length];
    for (int token : History.newest(history, window, logits.length)) counts[token]++;
    double[] penalised = logits.clone();
    for (int i = 0; i < logits.length; i++)
      if (counts[i] > 0) penalised[i] -= presence + frequency * counts[i];
    return penalised;
  }
}
