package lemma.sampling.generate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.TopK;
import lemma.sampling.filter.TopKKernel;

/// The model's own distribution of a step, before any filter.
///
/// ```
/// ln P(i) = xᵢ − ln Σⱼ exp(xⱼ)
/// ```
final class LogProbabilities {
  private final float[] logits;
  private final double logTotal;

  LogProbabilities(float[] logits) {
    this.logits = logits;
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) max = Math.max(max, logit);
    double sum = 0;
    for (float logit : logits) sum += Math.exp(logit - max);
    logTotal = max + Math.log(sum);
  }

  double of(int token) {
    return logits[token] - logTotal;
  }

  /// The `count` likeliest tokens, falling, equals by rising id.
  List<TokenScore> likeliest(int count, Candidates scratch) {
    if (count == 0) return List.of();
    TopKKernel.best().select(logits, count, TopK.Ties.EXACTLY_K, scratch);
    return Arrays.stream(scratch.tokens())
        .mapToObj(token -> new TokenScore(token, of(token)))
        .sorted(Comparator.comparingDouble(TokenScore::logProbability).reversed())
        .toList();
  }
}
