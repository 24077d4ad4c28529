package lemma.core.model;

import lemma.core.tensor.Tensor;

/// One text in progress with a formula: every token's keys and values are computed once.
final class FormulaSession implements LanguageModel.Session {

  /// A model as the session sees it.
  @FunctionalInterface
  interface Step {
    /// Logits `[1, 1, vocabularySize]` after the last of some tokens that follow those of `past`,
    /// which grows by them.
    Tensor logits(int[] tokens, Past past);
  }

  private final Step model;
  private final Past past;
  private final float[] logits;

  FormulaSession(int vocabularySize, int layers, Step model) {
    this.model = model;
    past = new Past(layers);
    logits = new float[vocabularySize];
  }

  @Override
  public float[] append(int... tokens) {
    double[] last = model.logits(tokens, past).data();
    for (int i = 0; i < logits.length; i++) logits[i] = (float) last[i];
    return logits;
  }

  @Override
  public int position() {
    return past.length();
  }

  @Override
  public void rewind(int position) {
    past.truncate(position);
  }
}
