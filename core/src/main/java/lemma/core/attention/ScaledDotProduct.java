package lemma.core.attention;

import static lemma.core.tensor.Tensor.LAST;

import lemma.core.tensor.Tensor;

/// Scaled dot-product attention: a weighted mean of values, weighted by how well keys match.
///
/// ```
/// weights = softmax(q·kᵀ · scale)     scale = 1/√d, −∞ where the mask hides a key
/// output  = weights · v
/// ```
///
/// | symbol | shape |
/// |---|---|
/// | `q` | `[…, queries, d]` |
/// | `k` | `[…, keys, d]` |
/// | `v` | `[…, keys, dv]` |
/// | `weights` | `[…, queries, keys]` |
/// | `output` | `[…, queries, dv]` |
///
/// The axes in front broadcast. A hidden key has weight 0 exactly. A query that may look at no key
/// takes nothing: softmax would be 0/0 there, and its weights and its output are defined as 0.
///
/// With a soft cap (Gemma 2) the scores become cap·tanh(score/cap) before they are masked.
///
/// Vaswani et al. 2017, eq. 1, arXiv:1706.03762. Answer: `attention/scaled-dot-product.md`.
public record ScaledDotProduct(double scale, double softCap) {

  /// What attention computed: the output and the weights that made it.
  public record Result(Tensor output, Tensor weights) {}

  /// @throws IllegalArgumentException if `scale` is not finite or `softCap` is not positive
  public ScaledDotProduct {
    if (!Double.isFinite(scale))
      throw new IllegalArgumentException("scale must be finite, was " + scale);
    if (!(softCap > 0))
      throw new IllegalArgumentException("softCap must be positive, was " + softCap);
  }

  /// The scale of the paper, 1/√headDim, and no cap.
  public static ScaledDotProduct of(int headDim) {
    if (headDim < 1)
      throw new IllegalArgumentException("headDim must be 1 or more, was " + headDim);
    return new ScaledDotProduct(1 / Math.sqrt(headDim), Double.POSITIVE_INFINITY);
  }

  /// Attention in which every query sees every key.
  public Result apply(Tensor q, Tensor k, Tensor v) {
    return apply(q, k, v, Tensor.zeros(1, 1));
  }

  /// Attention of the last queries of a text: the queries end where the keys end.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit or there are more queries than keys
  public Result apply(Tensor q, Tensor k, Tensor v, AttentionMask mask) {
    checkShapes(q, k, v);
    int queries = q.size(-2);
    int keys = k.size(-2);
    if (queries > keys)
      throw new IllegalArgumentException(
          "q %s and k %s: more queries than keys have no place in the text".formatted(q, k));
    return apply(q, k, v, mask.hidden(queries, keys, keys - queries));
  }

  /// Attention with a mask of its own: 1 in `hidden`, which broadcasts to `weights`, where a query
  /// must not look.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit
  public Result apply(Tensor q, Tensor k, Tensor v, Tensor hidden) {
    return mix(scores(q, k, v), v, hidden);
  }

  /// The same with `bias`, which broadcasts to `weights`, added to the scores after their scale and
  /// cap: how T5 and ALiBi tell distances.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit
  public Result apply(Tensor q, Tensor k, Tensor v, Tensor hidden, Tensor bias) {
    Tensor scores = scores(q, k, v);
    return mix(scores.add(bias.broadcastTo(scores.shape())), v, hidden);
  }

  private Tensor scores(Tensor q, Tensor k, Tensor v) {
    checkShapes(q, k, v);
    Tensor scores = q.matmulTransposed(k).mul(scale); // [..., queries, keys]
    return softCap < Double.POSITIVE_INFINITY ? scores.div(softCap).tanh().mul(softCap) : scores;
  }

  private static Result mix(Tensor scores, Tensor v, Tensor hidden) {
    Tensor weights =
        scores
            .maskedFill(hidden, Double.NEGATIVE_INFINITY)
            .softmax(LAST)
            .maskedFill(hidden, 0); // changes rows of 0/0 only
    return new Result(weights.matmul(v), weights);
  }

  /// The score of one query and one key, from their dot product.
  double score(double dot) {
    return cap(dot * scale);
  }

  /// The derivative of [#score(double)] by the dot product, where the score is known.
  double slope(double score) {
    return softCap < Double.POSITIVE_INFINITY ? scale * (1 - square(score / softCap)) : scale;
  }

  private static double square(double x) {
    return x * x;
  }

  double cap(double score) {
    return softCap < Double.POSITIVE_INFINITY ? softCap * Math.tanh(score / softCap) : score;
  }

  private static void checkShapes(Tensor q, Tensor k, Tensor v) {
    if (q.rank() < 2 || k.rank() < 2 || v.rank() < 2)
      throw new IllegalArgumentException(
          "q %s, k %s and v %s must be matrices or stacks of them".formatted(q, k, v));
    if (q.size(LAST) != k.size(LAST))
      throw new IllegalArgumentException("q %s and k %s: head sizes must match".formatted(q, k));
    if (k.size(-2) != v.size(-2))
      throw new IllegalArgumentException("k %s and v %s: lengths must match".formatted(k, v));
  }
}
