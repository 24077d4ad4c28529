package lemma.sampling.filter;

/// Locally typical filter: keeps the tokens whose surprise is nearest to the expected surprise.
///
/// ```
/// sort by |−ln P(i) − H|,   H = −Σ P ln P;   keep the smallest prefix whose mass reaches p
/// ```
///
/// The most probable token itself may go: where H is high it is less surprising than typical.
///
/// Meister et al. 2022, arXiv:2202.00666. Answer: `sampling/typical.md`.
public record TypicalP(double p, int minTokensToKeep) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `p` is outside [0, 1] or `minTokensToKeep` less than 1
  public TypicalP {
    if (!(p >= 0 && p <= 1)) throw new IllegalArgumentException("p must be in [0, 1], was " + p);
    Logits.checkMinTokensToKeep(minTokensToKeep);
  }

  public TypicalP(double p) {
    this(p, 1);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    double[] probabilities = Logits.softmax(logits);
    if (p == 1) return logits.clone();
    double entropy = Logits.entropy(logits);
    double[] nearness = new double[logits.length];
    for (int i = 0; i < nearness.length; i++)
      nearness[i] = -Math.abs(-Math.log(probabilities[i]) - entropy);
    int[] order = Logits.descending(nearness);
    int count = new TopP(p, minTokensToKeep).count(probabilities, order);
    return Logits.keepFirst(logits, order, count);
  }
}
