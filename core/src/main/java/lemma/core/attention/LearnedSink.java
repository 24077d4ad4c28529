package lemma.core.attention;

import static lemma.core.tensor.Tensor.LAST;

import lemma.core.tensor.Tensor;

/// Attention with a learned sink: one more logit in each head's softmax, for "none of them".
///
/// ```
/// weights = softmax([q·kᵀ·scale + mask | s_h]) without the last column        Σ weights < 1
/// output  = weights · v
/// ```
///
/// | symbol | shape |
/// |---|---|
/// | `q`, output | `[…, heads, queries, d]` |
/// | `k`, `v` | `[…, keyValueHeads, keys, d]` |
/// | `sinks` s | `[heads]` |
///
/// It is a key that every query sees with score s_h and whose value is 0. A head without anything to
/// say no longer has to park its weight on the first token, so a window may drop that token.
///
/// Xiao et al. 2023, section 3.3, arXiv:2309.17453; gpt-oss. Answer:
/// `position/length-extrapolation.md`.
public record LearnedSink(Tensor sinks, double scale) {

  /// @throws IllegalArgumentException if `sinks` is no row or `scale` is not finite
  public LearnedSink {
    if (sinks.rank() != 1)
      throw new IllegalArgumentException("sinks must have shape [heads], was " + sinks);
    if (!Double.isFinite(scale))
      throw new IllegalArgumentException("scale must be finite, was " + scale);
  }

  /// Attention with 1 in `hidden`, which broadcasts to `[queries, keys]`, where a query must not
  /// look.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit
  public ScaledDotProduct.Result apply(Tensor q, Tensor k, Tensor v, Tensor hidden) {
    int heads = sinks.size(0);
    if (q.rank() < 3 || k.rank() < 3 || v.rank() < 3 || q.size(-3) != heads)
      throw new IllegalArgumentException(
          "q %s must have %d heads, k %s and v %s heads that divide them"
              .formatted(q, heads, k, v));
    Tensor scores = q.matmulTransposed(spread(k)).mul(scale);
    scores = scores.maskedFill(hidden, Double.NEGATIVE_INFINITY);
    int[] shape = scores.shape();
    int keys = shape[shape.length - 1];
    shape[shape.length - 1] = 1;
    Tensor sink = sinks.reshape(heads, 1, 1).broadcastTo(shape);
    Tensor weights = Tensor.concat(LAST, scores, sink).softmax(LAST).slice(LAST, 0, keys);
    return new ScaledDotProduct.Result(weights.matmul(spread(v)), weights);
  }

  /// A copy of each key/value head for every query head of its group.
  private Tensor spread(Tensor x) {
    int heads = sinks.size(0);
    if (x.size(-3) < 1 || heads % x.size(-3) != 0)
      throw new IllegalArgumentException(
          "heads must be a multiple of the key/value heads, were %d and %s".formatted(heads, x));
    return x.repeat(-3, heads / x.size(-3));
  }
}
