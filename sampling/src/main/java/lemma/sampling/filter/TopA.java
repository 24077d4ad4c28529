package lemma.sampling.filter;

/// [MinP] whose share grows with the largest probability: a cut-off by its square.
///
/// ```
/// keep i  ⇔  P(i) ≥ a · (max P)²
/// ```
///
/// Where the model is sure (max P near 1) it is min-p with the share a; where it is not, the bar
/// falls with the square and nearly all stay. 0 keeps all.
///
/// Introduced by the BlinkDL RWKV language model. Answer: `sampling/top-a.md`.
public record TopA(double a) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `a` is outside [0, 1]
  public TopA {
    if (!(a >= 0 && a <= 1)) throw new IllegalArgumentException("a must be in [0, 1], was " + a);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    double[] probabilities = Logits.softmax(logits);
    double largest = probabilities[Logits.argMax(logits)];
    return Cutoff.keep(logits, probabilities, a * largest * largest, 1);
  }
}
