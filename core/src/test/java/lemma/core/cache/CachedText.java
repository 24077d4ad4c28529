package lemma.core.cache;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;

import java.util.stream.IntStream;
import lemma.core.attention.AttentionKernel;
import lemma.core.attention.AttentionMask;
import lemma.core.tensor.Tensor;

/// A text in progress through one layer, for the proofs of this package.
interface CachedText {
  /// Outputs of the next tokens, `[tokens, dim]`.
  Tensor append(Tensor x);

  void rewind(int length);

  /// Keys and values so far, `[keyValueHeads, length, headDim]`.
  CachedAttention.Past past();

  /// Projections by the formula, then floats: cache and kernel.
  final class Fast implements CachedText {
    private final CachedAttention layer;
    private final AttentionKernel kernel;
    private final KvCache cache;

    Fast(CachedAttention layer, AttentionKernel kernel, KvCache cache) {
      this.layer = layer;
      this.kernel = kernel;
      this.cache = cache;
    }

    @Override
    public Tensor append(Tensor x) {
      int time = x.size(0);
      int[] positions = IntStream.range(cache.length(), cache.length() + time).toArray();
      float[] q = rows(layer.rope().apply(split(x, layer.queryWeight()), positions));
      float[] k = rows(layer.rope().apply(split(x, layer.keyWeight()), positions));
      cache.append(k, rows(split(x, layer.valueWeight())), time);
      float[] mixed = new float[q.length];
      kernel.apply(layer.heads(), new AttentionMask.Causal(), q, time, cache, mixed);
      return Tensor.of(doubles(mixed), time, q.length / time)
          .matmulTransposed(layer.outputWeight());
    }

    private Tensor split(Tensor x, Tensor weight) {
      return x.matmulTransposed(weight)
          .reshape(x.size(0), -1, layer.rope().headDim())
          .transpose(0, 1);
    }

    /// `[heads, time, headDim]` as floats `[time, heads, headDim]`.
    private static float[] rows(Tensor x) {
      return floats(x.transpose(0, 1).toArray());
    }

    @Override
    public void rewind(int length) {
      cache.rewind(length);
    }

    @Override
    public CachedAttention.Past past() {
      int rows = cache.heads() * cache.length();
      double[] keys = new double[rows * cache.headDim()];
      double[] values = new double[keys.length];
      CacheRows.of(cache)
          .forEach((at, row) -> {
            int to = (at.head() * cache.length() + at.position()) * cache.headDim();
            System.arraycopy(doubles(row.key()), 0, keys, to, cache.headDim());
            System.arraycopy(doubles(row.value()), 0, values, to, cache.headDim());
          });
      return new CachedAttention.Past(
          Tensor.of(keys, cache.heads(), cache.length(), cache.headDim()),
          Tensor.of(values, cache.heads(), cache.length(), cache.headDim()));
    }
  }
}
