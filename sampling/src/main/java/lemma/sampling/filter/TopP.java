package lemma.sampling.filter;

/// Nucleus filter: keeps the smallest set of tokens whose mass reaches p.
///
/// ```
/// sort by falling P;   keep i₁ … iₙ,   n = min { n : P(i₁) + … + P(iₙ) ≥ p }
/// ```
///
/// The token that crosses p stays; after an exact hit nothing more does. Equals go by rising id.
/// p = 1 keeps all, p = 0 keeps `minTokensToKeep`.
///
/// Holtzman et al. 2020, section 3.1, arXiv:1904.09751. Answer: `sampling/top-p.md`.
public record TopP(double p, int minTokensToKeep) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `p` is outside [0, 1] or `minTokensToKeep` less than 1
  public TopP {
    if (!(p >= 0 && p <= 1)) throw new IllegalArgumentException("p must be in [0, 1], was " + p);
    Logits.checkMinTokensToKeep(minTokensToKeep);
  }

  /// At least one token.
  public TopP(double p) {
    this(p, 1);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    double[] weights = Logits.weights(logits);
    if (p == 1) return logits.clone();
    int[] order = Logits.descending(logits);
    return Logits.keepFirst(logits, order, count(weights, order));
  }

  /// How many tokens of `order` make up the nucleus; `weights` are probabilities up to a factor.
  int count(double[] weights, int[] order) {
    double target = p * Logits.sum(weights);
    double mass = 0;
    int count = 0;
    while (count < order.length && (mass < target || count < minTokensToKeep))
      mass += weights[order[count++]];
    return count;
  }
}
