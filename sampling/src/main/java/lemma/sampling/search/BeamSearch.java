package lemma.sampling.search;

import java.util.List;
import java.util.Set;
import lemma.sampling.filter.Logits;

/// Beam search: the most probable continuations are followed side by side.
///
/// ```
/// Cₜ = { y·v : y ∈ Bₜ₋₁, v ∈ vocabulary }          ranked by ln P(y·v)
/// Bₜ = the `beams` best of Cₜ that do not end      those that end among the `beams` best are kept
/// result = the `beams` best ended texts, ranked by ln P / Lᵅ
/// ```
///
/// Open texts are compared at equal length, so the length penalty decides only between texts that
/// have ended. At `maxTokens` every open text ends. With as many beams as there are texts the search
/// is exact; with one it is nearly greedy search, but a text that ends is weighed against the one
/// that goes on.
///
/// Graves 2012, arXiv:1211.3711; Hugging Face's conventions. Answer: `sampling/beam-search.md`.
///
/// @param beams texts followed at a time, and most texts returned
/// @param maxTokens most tokens of a text
/// @param lengthPenalty how ended texts are compared
/// @param earlyStopping when to give up open texts
/// @param endTokens tokens that end a text
public record BeamSearch(
    int beams,
    int maxTokens,
    LengthPenalty lengthPenalty,
    EarlyStopping earlyStopping,
    Set<Integer> endTokens) {

  /// @throws IllegalArgumentException if `beams` or `maxTokens` is less than 1
  public BeamSearch {
    if (beams < 1) throw new IllegalArgumentException("beams must be 1 or more, were " + beams);
    if (maxTokens < 1)
      throw new IllegalArgumentException("maxTokens must be 1 or more, was " + maxTokens);
    endTokens = Set.copyOf(endTokens);
  }

  /// By mean ln P of a token, with the usual heuristic for stopping.
  public BeamSearch(int beams, int maxTokens, Set<Integer> endTokens) {
    this(beams, maxTokens, new LengthPenalty.Power(1), EarlyStopping.HEURISTIC, endTokens);
  }

  /// The best continuations of `prompt`, best first: `beams` of them unless there are fewer.
  ///
  /// @throws IllegalArgumentException if the model's logits are no scores
  public List<Hypothesis> search(NextToken model, int[] prompt) {
    Beams beams = new Beams(this, prompt);
    for (int step = 0; step < maxTokens && !beams.done(); step++)
      beams.advance(
          beams.open().stream()
              .map(beam -> Logits.logSoftmax(model.logits(beam.text())))
              .toArray(double[][]::new));
    return beams.finish();
  }
}
