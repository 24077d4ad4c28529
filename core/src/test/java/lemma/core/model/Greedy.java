package lemma.core.model;

/// The likeliest token.
final class Greedy {
  private Greedy() {}

  static int argMax(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
    return best;
  }
}
