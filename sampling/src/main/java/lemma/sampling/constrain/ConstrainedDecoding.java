package lemma.sampling.constrain;

import lemma.sampling.filter.LogitsProcessor;

/// Constrained decoding: removes every token after which the text could no longer become one that
/// the constraint accepts.
///
/// ```
/// A(y) = { t : y · t is the beginning of an accepted text }
/// P̃(t | y) = P(t | y) · [t ∈ A(y)] / Σ P(u | y) over u ∈ A(y)
/// ```
///
/// The formula form: it reads the text from its beginning at every step. A generation keeps the
/// [ConstraintRun] and advances it by the token drawn.
///
/// Willard & Louf 2023, arXiv:2307.09702. Answer: `sampling/constrained-decoding.md`.
///
/// @param start a run at the beginning of the text
/// @param promptLength tokens of the history in front of the text
public record ConstrainedDecoding(ConstraintRun start, int promptLength)
    implements LogitsProcessor {

  /// @throws IllegalArgumentException if `promptLength` is negative
  public ConstrainedDecoding {
    if (promptLength < 0)
      throw new IllegalArgumentException("promptLength must be 0 or more, was " + promptLength);
  }

  /// @throws IllegalArgumentException if the history is shorter than the prompt, has a token that
  ///     is not allowed, or no token can follow
  @Override
  public double[] process(int[] history, double[] logits) {
    if (history.length < promptLength)
      throw new IllegalArgumentException(
          "history has %d tokens, the prompt %d".formatted(history.length, promptLength));
    ConstraintRun run = start;
    for (int i = promptLength; i < history.length; i++) run = run.accept(history[i]);
    return run.allowed().apply(logits);
  }
}
