package lemma.core.model;

import lemma.core.tensor.Tensor;

/// One text in progress with the formula: every token's keys and values are computed once.
final class LlamaSession implements LanguageModel.Session {
  private final Llama model;
  private final LlamaPast past;
  private final float[] logits;

  LlamaSession(Llama model) {
    this.model = model;
    past = new LlamaPast(model.config().layers());
    logits = new float[model.vocabularySize()];
  }

  @Override
  public float[] append(int... tokens) {
    Tensor hidden = model.hiddenStates(new int[][] {tokens}, past).getLast();
    double[] last = model.head(hidden.slice(1, tokens.length - 1, tokens.length)).data();
    for (int i = 0; i < logits.length; i++) logits[i] = (float) last[i];
    return logits;
  }

  @Override
  public int position() {
    return past.length();
  }

  @Override
  public void rewind(int position) {
    if (position < 0 || position > position())
      throw new IllegalArgumentException(
          "position must be in 0 … %d, was %d".formatted(position(), position));
    past.truncate(position);
  }
}
