package lemma.sampling.watermark;

import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;

/// Marks a text: adds δ to the logits of the green tokens.
///
/// ```
/// x̂ᵥ = xᵥ + δ   if v is green,   else xᵥ
/// ```
///
/// Where the model is sure, δ changes nothing, so facts and code stay; where several tokens would
/// do, the green ones win more often. It goes in front of the other filters. The first tokens of an
/// empty context are not marked.
///
/// Kirchenbauer et al. 2023, algorithm 2, arXiv:2301.10226. Answer: `sampling/watermark.md`.
public record Watermark(GreenList list, double delta) implements LogitsProcessor {

  /// @throws IllegalArgumentException if δ is negative or not finite
  public Watermark {
    if (!(delta >= 0 && delta < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("delta must be finite, 0 or more, was " + delta);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    Logits.check(logits);
    if (logits.length != list.vocabularySize())
      throw new IllegalArgumentException(
          "the green list is of %d tokens, the logits are %d"
              .formatted(list.vocabularySize(), logits.length));
    double[] marked = logits.clone();
    if (history.length < list.context()) return marked;
    boolean[] green = list.after(history, history.length);
    for (int v = 0; v < marked.length; v++) if (green[v]) marked[v] += delta;
    return marked;
  }
}
