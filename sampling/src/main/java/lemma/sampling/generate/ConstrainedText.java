package lemma.sampling.generate;

import lemma.sampling.constrain.ConstraintRun;
import lemma.sampling.constrain.TokenMask;
import lemma.sampling.filter.LogitsProcessor;

/// [lemma.sampling.constrain.ConstrainedDecoding] that follows one text as it grows, instead of
/// reading it from the beginning at every step.
final class ConstrainedText implements LogitsProcessor {
  private ConstraintRun run;
  private int read; // tokens of the history that the run has seen, prompt included

  ConstrainedText(ConstraintRun start, int promptLength) {
    run = start;
    read = promptLength;
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    return allowed(history).apply(logits);
  }

  /// The tokens that may follow the history.
  ///
  /// @throws IllegalArgumentException if the history has a token that is not allowed
  TokenMask allowed(int[] history) {
    for (; read < history.length; read++) run = run.accept(history[read]);
    return run.allowed();
  }

  /// Whether the text is complete and nothing can follow, not even an end token.
  boolean complete(int[] history) {
    return allowed(history).count() == 0;
  }
}
