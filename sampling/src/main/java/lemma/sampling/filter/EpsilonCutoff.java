package lemma.sampling.filter;

/// Keeps the tokens whose probability is at least ε.
///
/// ```
/// keep i  ⇔  P(i) ≥ ε
/// ```
///
/// Hewitt, Manning & Liang 2022, section 4.1, arXiv:2210.15191. Answer: `sampling/eta.md`.
public record EpsilonCutoff(double epsilon, int minTokensToKeep) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `epsilon` is outside [0, 1) or `minTokensToKeep` below 1
  public EpsilonCutoff {
    Cutoff.checkEpsilon(epsilon);
    Logits.checkMinTokensToKeep(minTokensToKeep);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    return Cutoff.keep(logits, Logits.softmax(logits), epsilon, minTokensToKeep);
  }
}
