package lemma.sampling.filter;

/// [EpsilonCutoff] with a threshold that falls where the distribution is flat.
///
/// ```
/// keep i  ⇔  P(i) ≥ η,   η = min(ε, √ε · e^−H),   H = −Σ P ln P
/// ```
///
/// Hewitt, Manning & Liang 2022, section 4.2, arXiv:2210.15191. Answer: `sampling/eta.md`.
public record EtaCutoff(double epsilon, int minTokensToKeep) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `epsilon` is outside [0, 1) or `minTokensToKeep` below 1
  public EtaCutoff {
    Cutoff.checkEpsilon(epsilon);
    Logits.checkMinTokensToKeep(minTokensToKeep);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    return Cutoff.keep(logits, Logits.softmax(logits), eta(logits), minTokensToKeep);
  }

  /// The threshold that these logits get.
  double eta(double[] logits) {
    return Math.min(epsilon, Math.sqrt(epsilon) * Math.exp(-Logits.entropy(logits)));
  }
}
