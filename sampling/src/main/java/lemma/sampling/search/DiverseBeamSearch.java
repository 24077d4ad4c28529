package lemma.sampling.search;

import java.util.ArrayList;
import java.util.List;
import lemma.sampling.filter.Logits;

/// Diverse beam search: groups of beams, each pushed away from what the groups before it chose.
///
/// ```
/// ln P(v) − λ · #{ beams of earlier groups that took v at this step }
/// ```
///
/// The penalty is the Hamming distance's: it counts equal tokens at equal places. It stays in the
/// sums, so scores of later groups are lower than their texts' ln P. Each group is a [BeamSearch] of
/// its own; the first one is not penalised.
///
/// Vijayakumar et al. 2018, section 4, arXiv:1610.02424. Answer: `sampling/beam-search.md`.
///
/// @param group the search of one group: `groups · group.beams()` beams in all
/// @param groups number of groups
/// @param diversityPenalty λ
public record DiverseBeamSearch(BeamSearch group, int groups, double diversityPenalty) {

  /// @throws IllegalArgumentException if there is no group, or λ is negative or not finite
  public DiverseBeamSearch {
    if (groups < 1) throw new IllegalArgumentException("groups must be 1 or more, were " + groups);
    if (!(diversityPenalty >= 0 && diversityPenalty < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException(
          "diversityPenalty must be finite, 0 or more, was " + diversityPenalty);
  }

  /// The texts of each group, best first.
  ///
  /// @throws IllegalArgumentException if the model's logits are no scores
  public List<List<Hypothesis>> search(NextToken model, int[] prompt) {
    List<Beams> all = new ArrayList<>();
    for (int g = 0; g < groups; g++) all.add(new Beams(group, prompt));
    for (int step = 0; step < group.maxTokens(); step++) {
      List<Integer> taken = new ArrayList<>(); // at this step, by the groups so far
      for (Beams beams : all) {
        if (beams.done()) continue;
        beams.advance(
            beams.open().stream()
                .map(beam -> penalised(Logits.logSoftmax(model.logits(beam.text())), taken))
                .toArray(double[][]::new));
        for (var beam : beams.open()) taken.add(beam.text()[prompt.length + step]);
      }
    }
    return all.stream().map(Beams::finish).toList();
  }

  private double[] penalised(double[] logProbabilities, List<Integer> taken) {
    for (int token : taken) logProbabilities[token] -= diversityPenalty;
    return logProbabilities;
  }
}
