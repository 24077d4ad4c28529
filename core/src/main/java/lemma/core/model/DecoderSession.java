package lemma.core.model;

import java.util.stream.IntStream;
import lemma.core.attention.AttentionKernel;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.GroupedQuery;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.cache.ContiguousKvCache;
import lemma.core.cache.KvCache;
import lemma.core.kernel.WeightMatrix;
import lemma.core.kernel.Workers;

/// One text in progress with a fast decoder; its family says what a block computes. Every array is
/// the session's own and lives as long as it does; only the caches grow, by doubling, and a token
/// allocates next to nothing.
///
/// A prompt goes through in chunks of [#CHUNK] tokens, which share each weight that is read.
abstract class DecoderSession implements LanguageModel.Session {
  static final int CHUNK = 32;

  /// Fewer multiply-adds than this are done sooner by one thread than told to others.
  static final long WORTH_THREADS = 1 << 15;

  private final DecoderConfig config;
  private final Workers workers;
  private final WeightMatrix head;
  final int hiddenSize;
  final int queryDim;
  final int keyDim;

  final float[] x; // [CHUNK, hiddenSize]: the residual stream
  final float[] normed; // [CHUNK, hiddenSize]
  final float[] q; // [CHUNK, heads, headDim]
  final float[] k; // [CHUNK, keyValueHeads, headDim]
  final float[] v;
  final float[] mixed; // [CHUNK, heads, headDim]
  final float[] delta; // [CHUNK, hiddenSize]: what a block adds to x
  private final float[] logits;
  private float[] further = {}; // [CHUNK, vocabularySize]: logits of a chunk that is not the first

  final Products products;
  private final KvCache[] caches; // [layers]
  private final Heads heads;
  private int position;

  DecoderSession(DecoderConfig config, WeightMatrix head, Workers workers) {
    this.config = config;
    this.head = head;
    this.workers = workers;
    products = new Products(workers);
    hiddenSize = config.hiddenSize();
    queryDim = config.heads() * config.headDim();
    keyDim = config.keyValueHeads() * config.headDim();
    int most = Math.min(config.contextLength(), (Integer.MAX_VALUE - 8) / keyDim);
    caches =
        IntStream.range(0, config.layers())
            .mapToObj(
                layer -> new ContiguousKvCache(config.keyValueHeads(), config.headDim(), most))
            .toArray(KvCache[]::new);
    x = new float[CHUNK * hiddenSize];
    normed = new float[x.length];
    delta = new float[x.length];
    q = new float[CHUNK * queryDim];
    mixed = new float[q.length];
    k = new float[CHUNK * keyDim];
    v = new float[k.length];
    logits = new float[config.vocabularySize()];
    heads = new Heads();
  }

  /// Makes ready for texts of so many tokens.
  abstract void reach(int length);

  /// Puts a token that stands at `position` into row t of `x`.
  abstract void embed(int token, int position, int t);

  /// What a layer does to the first `count` rows of `x`, which begin at [#position()].
  abstract void block(int layer, int count);

  /// Normalises row `from` of `x` into row `to` of `normed`, ready for the head.
  abstract void finalNorm(int from, int to);

  @Override
  public final float[] append(int... tokens) {
    ready(tokens);
    int last = 0;
    for (int from = 0; from < tokens.length; from += CHUNK) last = chunk(tokens, from) - 1;
    finalNorm(last, 0);
    products.one(head, logits).of(normed, 1);
    return logits;
  }

  @Override
  public final void appendEach(float[] logits, int... tokens) {
    Checks.logits(logits, tokens.length, config.vocabularySize());
    ready(tokens);
    for (int from = 0; from < tokens.length; from += CHUNK) {
      int count = chunk(tokens, from);
      for (int t = 0; t < count; t++) finalNorm(t, t);
      int length = count * config.vocabularySize();
      if (from == 0) products.one(head, logits).of(normed, count);
      else {
        if (further.length < length) further = new float[length];
        products.one(head, further).of(normed, count);
        System.arraycopy(further, 0, logits, from * config.vocabularySize(), length);
      }
    }
  }

  private void ready(int[] tokens) {
    if (tokens.length == 0) throw new IllegalArgumentException("there must be a token");
    Checks.fits(tokens.length, position, config.contextLength());
    for (int token : tokens) Embedding.checkToken(token, config.vocabularySize());
    reach(position + tokens.length);
  }

  /// Sends up to [#CHUNK] tokens through the layers and returns how many.
  private int chunk(int[] tokens, int from) {
    int count = Math.min(CHUNK, tokens.length - from);
    for (int t = 0; t < count; t++) embed(tokens[from + t], position + t, t);
    for (int layer = 0; layer < config.layers(); layer++) block(layer, count);
    position += count;
    return count;
  }

  /// Appends the chunk's `k` and `v` to a layer's cache and lets `q` look at it: `mixed`.
  final void attend(int layer, AttentionMask.Interval mask, int count) {
    caches[layer].append(k, v, count);
    heads.layer = layer;
    heads.mask = mask;
    heads.count = count;
    long work = (long) count * (position + count) * queryDim;
    if (work < WORTH_THREADS) heads.rows(0, config.heads());
    else workers.run(config.heads(), heads);
  }

  /// Multiplies the chunk's rows of `input` by a projection and adds the result to `x`.
  final void addToResidual(Projection projection, float[] input, int count) {
    products.one(projection.weight(), delta).of(input, count);
    projection.addBias(delta, count);
    int length = count * hiddenSize;
    for (int i = 0; i < length; i++) x[i] += delta[i];
  }

  @Override
  public final int position() {
    return position;
  }

  @Override
  public final void rewind(int position) {
    if (position < 0 || position > this.position)
      throw new IllegalArgumentException(
          "position must be in 0 … %d, was %d".formatted(this.position, position));
    for (KvCache cache : caches) cache.rewind(position);
    this.position = position;
  }

  /// Attention of a chunk, by query head.
  private final class Heads implements Workers.Loop {
    private final AttentionKernel attention = AttentionKernel.best();
    private final GroupedQuery grouped =
        new GroupedQuery(
            config.heads(), config.keyValueHeads(), ScaledDotProduct.of(config.headDim()));
    private AttentionMask.Interval mask;
    private int layer;
    private int count;

    @Override
    public void rows(int from, int to) {
      attention.apply(grouped, mask, q, count, caches[layer], mixed, from, to);
    }
  }
}
