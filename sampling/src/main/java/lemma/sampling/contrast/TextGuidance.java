package lemma.sampling.contrast;

import java.util.Arrays;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.search.NextToken;

/// Classifier-free guidance of a text: raises what the prompt makes likelier.
///
/// ```
/// x̂ = ln P(v | ∅) + w·(ln P(v | prompt) − ln P(v | ∅))       ∝ P(v | ∅)·(P(v | prompt) / P(v | ∅))ʷ
/// ```
///
/// w = 1 is the model as it is, w = 0 the model without the prompt, w > 1 leans on the prompt. ∅ is
/// the end of the prompt alone, or a negative prompt: what the text shall move away from. Each token
/// takes two passes.
///
/// Sanchez et al. 2023, eq. 7, arXiv:2306.17806; Ho & Salimans 2022, arXiv:2207.12598. Answer:
/// `sampling/text-guidance.md`.
///
/// @param guidanceScale w
public record TextGuidance(double guidanceScale) {

  /// @throws IllegalArgumentException if w is not finite
  public TextGuidance {
    if (!Double.isFinite(guidanceScale))
      throw new IllegalArgumentException("guidanceScale must be finite, was " + guidanceScale);
  }

  /// The guided scores; a token that either reading excludes stays excluded.
  ///
  /// @throws IllegalArgumentException if the vocabularies differ or the logits are no scores
  public double[] process(double[] conditional, double[] unconditional) {
    if (conditional.length != unconditional.length)
      throw new IllegalArgumentException(
          "conditional and unconditional logits must be as many, were %d and %d"
              .formatted(conditional.length, unconditional.length));
    double[] with = Logits.logSoftmax(conditional);
    double[] without = Logits.logSoftmax(unconditional);
    double[] guided = new double[with.length];
    for (int v = 0; v < guided.length; v++)
      guided[v] =
          with[v] == Logits.REMOVED || without[v] == Logits.REMOVED
              ? Logits.REMOVED
              : without[v] + guidanceScale * (with[v] - without[v]);
    return guided;
  }

  /// As a filter: `model` reads what was generated after `promptLength` tokens behind `negative`
  /// instead of the prompt.
  ///
  /// @param negative the other prompt; the last token of the prompt for none
  /// @throws IllegalArgumentException if `negative` is empty or `promptLength` less than 1
  public LogitsProcessor away(NextToken model, int promptLength, int... negative) {
    if (negative.length == 0) throw new IllegalArgumentException("negative must have a token");
    if (promptLength < 1)
      throw new IllegalArgumentException("promptLength must be 1 or more, was " + promptLength);
    return (history, logits) -> {
      int generated = history.length - promptLength;
      int[] other = Arrays.copyOf(negative, negative.length + generated);
      System.arraycopy(history, promptLength, other, negative.length, generated);
      return process(logits, model.logits(other));
    };
  }
}
