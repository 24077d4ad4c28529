package lemma.core.model;

import lemma.core.attention.AttentionMask;
import lemma.core.kernel.SwiGluKernel;
import lemma.core.model.LlamaDecoder.Gated;
import lemma.core.model.LlamaDecoder.Layer;
import lemma.core.model.LlamaDecoder.Mixture;
import lemma.core.norm.RmsNormKernel;
import lemma.core.position.RopeKernel;
import lemma.core.position.RopeTable;

/// One text in progress with the fast decoder of the Llama family.
final class LlamaDecoderSession extends DecoderSession {
  private static final int FIRST_CAPACITY = 256;

  private final LlamaDecoder model;
  private final LlamaConfig config;

  private final RmsNormKernel rmsNorm = RmsNormKernel.best();
  private final RopeKernel rope = RopeKernel.best();
  private final SwiGluKernel swiGlu = SwiGluKernel.best();

  private final float[] gate; // [CHUNK, intermediateSize]
  private final float[] up;
  private final ExpertChoice choice;
  private final float[] gathered; // [CHUNK, hiddenSize]: the tokens of one expert
  private final AttentionMask.Interval[] masks; // [layers]
  private RopeTable angles;
  private int capacity; // of angles

  LlamaDecoderSession(LlamaDecoder model) {
    super(model.config, model.head, model.workers);
    this.model = model;
    config = model.config;
    gate = new float[CHUNK * config.intermediateSize()];
    up = new float[gate.length];
    choice = new ExpertChoice(CHUNK, config.experts(), config.expertsPerToken());
    gathered = new float[config.experts() == 0 ? 0 : x.length];
    masks = new AttentionMask.Interval[config.layers()];
    for (int layer = 0; layer < masks.length; layer++) {
      int window = config.window(layer);
      masks[layer] =
          window == 0 ? new AttentionMask.Causal() : new AttentionMask.SlidingWindow(window);
    }
    reach(Math.min(FIRST_CAPACITY, config.contextLength()));
  }

  @Override
  void reach(int length) {
    if (length <= capacity) return;
    capacity = (int) Math.min(Math.max(length, 2L * capacity), config.contextLength());
    angles = RopeTable.of(config.rope(), capacity);
  }

  @Override
  void embed(int token, int position, int t) {
    model.embedding.row(token, x, t * hiddenSize);
  }

  @Override
  void block(int index, int count) {
    Layer layer = model.layers.get(index);
    norm(layer.inputNorm(), count);
    products
        .three(layer.q().weight(), q, layer.k().weight(), k, layer.v().weight(), v)
        .of(normed, count);
    layer.q().addBias(q, count);
    layer.k().addBias(k, count);
    layer.v().addBias(v, count);
    for (int t = 0; t < count; t++) placeHeads(layer, t);
    attend(index, masks[index], count);
    addToResidual(layer.o(), mixed, count);

    norm(layer.feedForwardNorm(), count);
    switch (layer.feedForward()) {
      case Gated all -> {
        gated(all, normed, count);
        addToResidual(all.down(), gate, count);
      }
      case Mixture mixture -> mix(mixture, count);
    }
  }

  private void norm(float[] gain, int count) {
    for (int t = 0; t < count; t++)
      rmsNorm.apply(
          x, t * hiddenSize, gain, (float) config.epsilon(), normed, t * hiddenSize, hiddenSize);
  }

  @Override
  void finalNorm(int from, int to) {
    rmsNorm.apply(
        x,
        from * hiddenSize,
        model.norm,
        (float) config.epsilon(),
        normed,
        to * hiddenSize,
        hiddenSize);
  }

  /// Token t's q and k are normalised (Qwen3) and rotated.
  private void placeHeads(Layer layer, int t) {
    if (config.variant().queryKeyNorm()) {
      normHeads(layer.queryNorm(), q, t * queryDim, config.heads());
      normHeads(layer.keyNorm(), k, t * keyDim, config.keyValueHeads());
    }
    int at = position() + t;
    rope.rotate(angles, q, t * queryDim, config.heads(), at);
    rope.rotate(angles, k, t * keyDim, config.keyValueHeads(), at);
  }

  private void normHeads(float[] gain, float[] head, int from, int count) {
    int dim = config.headDim();
    for (int h = 0; h < count; h++)
      rmsNorm.apply(
          head, from + h * dim, gain, (float) config.epsilon(), head, from + h * dim, dim);
  }

  /// silu(gate(x)) ⊙ up(x), left in `gate`.
  private void gated(Gated layer, float[] input, int count) {
    products.two(layer.gate().weight(), gate, layer.up().weight(), up).of(input, count);
    layer.gate().addBias(gate, count);
    layer.up().addBias(up, count);
    swiGlu.apply(gate, up, 0, count * config.intermediateSize());
  }

  /// Each expert sees the tokens of the chunk that chose it, together; one that none chose is not
  /// read.
  private void mix(Mixture layer, int count) {
    products.one(layer.router().weight(), choice.scores()).of(normed, count);
    choice.choose(count);
    for (int e = 0; e < config.experts(); e++) {
      int tokens = choice.gather(e, count, normed, gathered, hiddenSize);
      if (tokens == 0) continue;
      Gated expert = layer.experts().get(e);
      gated(expert, gathered, tokens);
      products.one(expert.down().weight(), delta).of(gate, tokens);
      choice.scatter(delta, tokens, x, hiddenSize);
    }
  }
}
