package lemma.core.model;

import java.util.function.UnaryOperator;
import lemma.core.tensor.Tensor;

/// One text in progress with a formula: every token's keys and values are computed once.
final class FormulaSession implements LanguageModel.Session {

  /// A model as the session sees it.
  @FunctionalInterface
  interface Step {
    /// States `[1, tokens, hiddenSize]`, ready for the head, of tokens that follow those of `past`,
    /// which grows by them.
    Tensor states(int[] tokens, Past past);
  }

  private final Step model;
  private final UnaryOperator<Tensor> head;
  private final Past past;
  private final float[] logits;

  FormulaSession(int vocabularySize, int layers, Step model, UnaryOperator<Tensor> head) {
    this.model = model;
    this.head = head;
    past = new Past(layers);
    logits = new float[vocabularySize];
  }

  @Override
  public float[] append(int... tokens) {
    double[] last = head.apply(Weights.last(model.states(tokens, past))).data();
    for (int i = 0; i < logits.length; i++) logits[i] = (float) last[i];
    return logits;
  }

  @Override
  public void appendEach(float[] logits, int... tokens) {
    Checks.logits(logits, tokens.length, this.logits.length);
    double[] each = head.apply(model.states(tokens, past)).data();
    for (int i = 0; i < each.length; i++) logits[i] = (float) each[i];
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
