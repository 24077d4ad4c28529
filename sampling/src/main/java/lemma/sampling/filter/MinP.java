package lemma.sampling.filter;

/// Keeps the tokens that are at least a share of the most probable one.
///
/// ```
/// keep i  ⇔  P(i) ≥ minP · max P
/// ```
///
/// 0 keeps all, 1 only the most probable (and its equals). A confident model is cut hard, an unsure
/// one hardly.
///
/// Nguyen et al. 2024, arXiv:2407.01082. Answer: `sampling/min-p.md`.
public record MinP(double minP, int minTokensToKeep) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `minP` is outside [0, 1] or `minTokensToKeep` less than 1
  public MinP {
    if (!(minP >= 0 && minP <= 1))
      throw new IllegalArgumentException("minP must be in [0, 1], was " + minP);
    Logits.checkMinTokensToKeep(minTokensToKeep);
  }

  public MinP(double minP) {
    this(minP, 1);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    return Cutoff.keep(logits, Logits.weights(logits), minP, minTokensToKeep);
  }
}
