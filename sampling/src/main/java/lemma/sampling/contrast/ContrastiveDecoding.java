package lemma.sampling.contrast;

import java.util.Arrays;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.search.NextToken;

/// Contrastive decoding: what an expert knows and an amateur does not.
///
/// ```
/// head      = { v : P_exp(v) ≥ α·max P_exp }               the rest is removed
/// original  = ln P_exp(v) − ln P_ama(v; τ)
/// improved  = (1 + β)·x_exp(v) − β·x_ama(v)
/// ```
///
/// The amateur's faults (repetition, vagueness) are shared by the expert in a weaker form, so the
/// difference lowers them. Without the head, a token that both find absurd wins as soon as the
/// amateur finds it more absurd.
///
/// Li et al. 2023, eq. 2–4, arXiv:2210.15097; O'Brien & Lewis 2023, arXiv:2309.09117. Answer:
/// `sampling/contrastive-decoding.md`.
public sealed interface ContrastiveDecoding {

  /// α: how probable, against the best token, the expert must find a token that stays.
  double alpha();

  /// The scores of all tokens from the logits of both, the head left aside.
  double[] contrast(double[] expert, double[] amateur);

  /// The scores of a step; −∞ outside of the head.
  ///
  /// @throws IllegalArgumentException if the vocabularies differ or the logits are no scores
  default double[] process(double[] expert, double[] amateur) {
    if (expert.length != amateur.length)
      throw new IllegalArgumentException(
          "the expert's vocabulary has %d tokens, the amateur's %d"
              .formatted(expert.length, amateur.length));
    boolean[] head = head(expert);
    double[] scores = contrast(expert, amateur);
    for (int v = 0; v < scores.length; v++) if (!head[v]) scores[v] = Logits.REMOVED;
    return scores;
  }

  /// Which tokens are plausible to the expert; the most probable one always is.
  default boolean[] head(double[] expert) {
    double[] weights = Logits.weights(expert); // 1 for the most probable
    boolean[] head = new boolean[weights.length];
    for (int v = 0; v < head.length; v++) head[v] = weights[v] >= alpha();
    return head;
  }

  /// As a filter behind the expert: the amateur reads the same text.
  default LogitsProcessor against(NextToken amateur) {
    return (history, logits) -> process(logits, amateur.logits(history));
  }

  /// A difference of log-probabilities, the amateur at temperature τ.
  record Original(double alpha, double amateurTemperature) implements ContrastiveDecoding {
    /// @throws IllegalArgumentException if `alpha` is not in (0, 1] or τ not positive
    public Original {
      checkAlpha(alpha);
      if (!(amateurTemperature > 0 && amateurTemperature < Double.POSITIVE_INFINITY))
        throw new IllegalArgumentException(
            "amateurTemperature must be positive, was " + amateurTemperature);
    }

    @Override
    public double[] contrast(double[] expert, double[] amateur) {
      double[] ours = Logits.logSoftmax(expert);
      double[] theirs =
          Logits.logSoftmax(Arrays.stream(amateur).map(x -> x / amateurTemperature).toArray());
      for (int v = 0; v < ours.length; v++) ours[v] -= atLeast(theirs[v]);
      return ours;
    }
  }

  /// A difference of logits whose sum of weights is 1: the temperature stays the expert's.
  record Improved(double alpha, double beta) implements ContrastiveDecoding {
    /// @throws IllegalArgumentException if `alpha` is not in (0, 1], or β is negative or infinite
    public Improved {
      checkAlpha(alpha);
      if (!(beta >= 0 && beta < Double.POSITIVE_INFINITY))
        throw new IllegalArgumentException("beta must be finite, 0 or more, was " + beta);
    }

    @Override
    public double[] contrast(double[] expert, double[] amateur) {
      Logits.check(expert);
      Logits.check(amateur);
      double[] scores = new double[expert.length];
      for (int v = 0; v < scores.length; v++)
        scores[v] = (1 + beta) * expert[v] - beta * atLeast(amateur[v]);
      return scores;
    }
  }

  /// An amateur that excludes a token (−∞) makes it as good as can be; kept finite, so that several
  /// such tokens can still be compared and drawn.
  private static double atLeast(double amateur) {
    return Math.max(amateur, -1e9);
  }

  private static void checkAlpha(double alpha) {
    if (!(alpha > 0 && alpha <= 1))
      throw new IllegalArgumentException("alpha must be in (0, 1], was " + alpha);
  }
}
