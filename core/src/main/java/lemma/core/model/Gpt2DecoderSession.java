package lemma.core.model;

import lemma.core.attention.AttentionMask;
import lemma.core.kernel.GeluKernel;
import lemma.core.model.Gpt2Decoder.Layer;
import lemma.core.model.Gpt2Decoder.Norm;
import lemma.core.norm.LayerNormKernel;

/// One text in progress with the fast GPT-2.
final class Gpt2DecoderSession extends DecoderSession {
  private static final AttentionMask.Causal CAUSAL = new AttentionMask.Causal();

  private final Gpt2Decoder model;
  private final LayerNormKernel layerNorm = LayerNormKernel.best();
  private final GeluKernel gelu = GeluKernel.best();
  private final float[] inner; // [CHUNK, intermediateSize]
  private final float[] place; // [hiddenSize]

  Gpt2DecoderSession(Gpt2Decoder model) {
    super(model.config, model.head, model.workers);
    this.model = model;
    inner = new float[CHUNK * model.config.intermediateSize()];
    place = new float[hiddenSize];
  }

  @Override
  void reach(int length) {} // the position table is there

  @Override
  void embed(int token, int position, int t) {
    model.embedding.row(token, x, t * hiddenSize);
    model.positions.row(position, place, 0);
    for (int i = 0; i < hiddenSize; i++) x[t * hiddenSize + i] += place[i];
  }

  @Override
  void block(int index, int count) {
    Layer layer = model.layers.get(index);
    norm(layer.attentionNorm(), count);
    products
        .three(layer.q().weight(), q, layer.k().weight(), k, layer.v().weight(), v)
        .of(normed, count);
    layer.q().addBias(q, count);
    layer.k().addBias(k, count);
    layer.v().addBias(v, count);
    attend(index, CAUSAL, count);
    addToResidual(layer.o(), mixed, count);

    norm(layer.feedForwardNorm(), count);
    products.one(layer.in().weight(), inner).of(normed, count);
    layer.in().addBias(inner, count);
    gelu.apply(inner, 0, count * model.config.intermediateSize());
    addToResidual(layer.out(), inner, count);
  }

  private void norm(Norm norm, int count) {
    for (int t = 0; t < count; t++) norm(norm, t, t);
  }

  @Override
  void finalNorm(int from, int to) {
    norm(model.norm, from, to);
  }

  private void norm(Norm norm, int from, int to) {
    layerNorm.apply(
        x,
        from * hiddenSize,
        norm.gain(),
        norm.bias(),
        (float) model.config.epsilon(),
        normed,
        to * hiddenSize,
        hiddenSize);
  }
}
