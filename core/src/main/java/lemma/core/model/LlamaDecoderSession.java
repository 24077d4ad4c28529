package lemma.core.model;

import java.util.stream.IntStream;
import lemma.core.attention.AttentionKernel;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.GroupedQuery;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.cache.ContiguousKvCache;
import lemma.core.cache.KvCache;
import lemma.core.kernel.MatVecKernel;
import lemma.core.kernel.SwiGluKernel;
import lemma.core.kernel.WeightMatrix;
import lemma.core.kernel.Workers;
import lemma.core.model.LlamaDecoder.Layer;
import lemma.core.model.LlamaDecoder.Projection;
import lemma.core.norm.RmsNormKernel;
import lemma.core.position.RopeKernel;
import lemma.core.position.RopeTable;

/// One text in progress with the fast decoder. Every array is the session's own and lives as long as
/// it does; only the caches grow, by doubling, and a token allocates next to nothing.
///
/// A prompt goes through in chunks of [#CHUNK] tokens, which share each weight that is read.
final class LlamaDecoderSession implements LanguageModel.Session {
  private static final int CHUNK = 32;
  private static final int FIRST_CAPACITY = 256;

  /// Fewer multiply-adds than this are done sooner by one thread than told to others.
  private static final long WORTH_THREADS = 1 << 15;

  private final LlamaDecoder model;
  private final LlamaConfig config;
  private final int queryDim;
  private final int keyDim;

  private final MatVecKernel matVec = MatVecKernel.best();
  private final RmsNormKernel rmsNorm = RmsNormKernel.best();
  private final RopeKernel rope = RopeKernel.best();
  private final AttentionKernel attention = AttentionKernel.best();
  private final SwiGluKernel swiGlu = SwiGluKernel.best();

  private final float[] x; // [CHUNK, hiddenSize]: the residual stream
  private final float[] normed; // [CHUNK, hiddenSize]
  private final float[] q; // [CHUNK, heads, headDim]
  private final float[] k; // [CHUNK, keyValueHeads, headDim]
  private final float[] v;
  private final float[] mixed; // [CHUNK, heads, headDim]
  private final float[] gate; // [CHUNK, intermediateSize]
  private final float[] up;
  private final float[] delta; // [CHUNK, hiddenSize]: what a block adds to x
  private final float[] logits;

  private final GroupedQuery grouped;
  private final KvCache[] caches; // [layers]
  private RopeTable angles;
  private int capacity; // of angles
  private int position;

  private final Products products = new Products();
  private final Heads heads = new Heads();

  LlamaDecoderSession(LlamaDecoder model) {
    this.model = model;
    config = model.config;
    queryDim = config.heads() * config.headDim();
    keyDim = config.keyValueHeads() * config.headDim();
    grouped =
        new GroupedQuery(
            config.heads(), config.keyValueHeads(), ScaledDotProduct.of(config.headDim()));
    int most = Math.min(config.contextLength(), (Integer.MAX_VALUE - 8) / keyDim);
    caches =
        IntStream.range(0, config.layers())
            .mapToObj(
                layer -> new ContiguousKvCache(config.keyValueHeads(), config.headDim(), most))
            .toArray(KvCache[]::new);
    x = new float[CHUNK * config.hiddenSize()];
    normed = new float[x.length];
    delta = new float[x.length];
    q = new float[CHUNK * queryDim];
    mixed = new float[q.length];
    k = new float[CHUNK * keyDim];
    v = new float[k.length];
    gate = new float[CHUNK * config.intermediateSize()];
    up = new float[gate.length];
    logits = new float[config.vocabularySize()];
    grow(Math.min(FIRST_CAPACITY, config.contextLength()));
  }

  private void grow(int wanted) {
    if (wanted <= capacity) return;
    capacity = (int) Math.min(Math.max(wanted, 2L * capacity), config.contextLength());
    angles = RopeTable.of(config.rope(), capacity);
  }

  @Override
  public float[] append(int... tokens) {
    if (tokens.length == 0) throw new IllegalArgumentException("there must be a token");
    if (tokens.length > config.contextLength() - position)
      throw new IllegalArgumentException(
          "%d tokens after %d exceed the context of %d"
              .formatted(tokens.length, position, config.contextLength()));
    for (int token : tokens) Llama.checkToken(token, config.vocabularySize());
    grow(position + tokens.length);
    int last = 0;
    for (int from = 0; from < tokens.length; from += CHUNK) {
      int count = Math.min(CHUNK, tokens.length - from);
      for (int t = 0; t < count; t++)
        model.embedding.row(tokens[from + t], x, t * config.hiddenSize());
      for (int layer = 0; layer < config.layers(); layer++) block(layer, count);
      position += count;
      last = count - 1;
    }
    int hiddenSize = config.hiddenSize();
    rmsNorm.apply(
        x, last * hiddenSize, model.norm, (float) config.epsilon(), normed, 0, hiddenSize);
    multiply(1, normed, products.one(model.head, logits));
    return logits;
  }

  private void block(int index, int count) {
    Layer layer = model.layers.get(index);
    norm(layer.inputNorm(), count);
    multiply(
        count,
        normed,
        products.three(layer.q().weight(), q, layer.k().weight(), k, layer.v().weight(), v));
    addBias(layer.q(), q, count);
    addBias(layer.k(), k, count);
    addBias(layer.v(), v, count);
    for (int t = 0; t < count; t++) placeHeads(layer, t);
    caches[index].append(k, v, count);
    attend(index, count);
    multiply(count, mixed, products.one(layer.o().weight(), delta));
    addToResidual(layer.o(), count);

    norm(layer.feedForwardNorm(), count);
    multiply(count, normed, products.two(layer.gate().weight(), gate, layer.up().weight(), up));
    addBias(layer.gate(), gate, count);
    addBias(layer.up(), up, count);
    swiGlu.apply(gate, up, 0, count * config.intermediateSize());
    multiply(count, gate, products.one(layer.down().weight(), delta));
    addToResidual(layer.down(), count);
  }

  private void norm(float[] gain, int count) {
    int dim = config.hiddenSize();
    for (int t = 0; t < count; t++)
      rmsNorm.apply(x, t * dim, gain, (float) config.epsilon(), normed, t * dim, dim);
  }

  /// Token t's q and k are normalised (Qwen3) and rotated.
  private void placeHeads(Layer layer, int t) {
    if (config.variant().queryKeyNorm()) {
      normHeads(layer.queryNorm(), q, t * queryDim, config.heads());
      normHeads(layer.keyNorm(), k, t * keyDim, config.keyValueHeads());
    }
    int at = position + t;
    rope.rotate(angles, q, t * queryDim, config.heads(), at);
    rope.rotate(angles, k, t * keyDim, config.keyValueHeads(), at);
  }

  private void normHeads(float[] gain, float[] head, int from, int count) {
    int dim = config.headDim();
    for (int h = 0; h < count; h++)
      rmsNorm.apply(
          head, from + h * dim, gain, (float) config.epsilon(), head, from + h * dim, dim);
  }

  private void attend(int layer, int count) {
    heads.layer = layer;
    heads.count = count;
    long work = (long) count * (position + count) * queryDim;
    if (work < WORTH_THREADS) heads.rows(0, config.heads());
    else model.workers.run(config.heads(), heads);
  }

  private void multiply(int vectors, float[] input, Products loop) {
    loop.vectors = vectors;
    loop.input = input;
    if (loop.work() < WORTH_THREADS) loop.rows(0, loop.rows);
    else model.workers.run(loop.rows, loop);
  }

  private static void addBias(Projection projection, float[] y, int count) {
    float[] bias = projection.bias();
    for (int t = 0, at = 0; t < count; t++)
      for (int i = 0; i < bias.length; i++, at++) y[at] += bias[i];
  }

  private void addToResidual(Projection projection, int count) {
    addBias(projection, delta, count);
    int length = count * config.hiddenSize();
    for (int i = 0; i < length; i++) x[i] += delta[i];
  }

  @Override
  public int position() {
    return position;
  }

  @Override
  public void rewind(int position) {
    if (position < 0 || position > this.position)
      throw new IllegalArgumentException(
          "position must be in 0 … %d, was %d".formatted(this.position, position));
    for (KvCache cache : caches) cache.rewind(position);
    this.position = position;
  }

  /// Up to three matrices with the same input, their rows numbered through.
  private final class Products implements Workers.Loop {
    private final WeightMatrix[] weights = new WeightMatrix[3];
    private final float[][] outputs = new float[3][];
    private int matrices;
    private int rows;
    private int vectors;
    private float[] input;

    Products one(WeightMatrix w, float[] y) {
      matrices = 0;
      rows = 0;
      return and(w, y);
    }

    Products two(WeightMatrix w0, float[] y0, WeightMatrix w1, float[] y1) {
      return one(w0, y0).and(w1, y1);
    }

    Products three(
        WeightMatrix w0, float[] y0, WeightMatrix w1, float[] y1, WeightMatrix w2, float[] y2) {
      return one(w0, y0).and(w1, y1).and(w2, y2);
    }

    private Products and(WeightMatrix w, float[] y) {
      weights[matrices] = w;
      outputs[matrices++] = y;
      rows += w.rows();
      return this;
    }

    long work() {
      return (long) rows * weights[0].columns() * vectors;
    }

    @Override
    public void rows(int from, int to) {
      int first = 0;
      for (int m = 0; m < matrices; m++) {
        int low = Math.max(from - first, 0);
        int high = Math.min(to - first, weights[m].rows());
        if (low < high) matVec.apply(weights[m], input, outputs[m], vectors, low, high);
        first += weights[m].rows();
      }
    }
  }

  /// Attention of a chunk, by query head.
  private final class Heads implements Workers.Loop {
    private int layer;
    private int count;

    @Override
    public void rows(int from, int to) {
      int window = config.window(layer);
      AttentionMask.Interval mask =
          window == 0 ? new AttentionMask.Causal() : new AttentionMask.SlidingWindow(window);
      attention.apply(grouped, mask, q, count, caches[layer], mixed, from, to);
    }
  }
}
