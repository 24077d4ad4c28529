package lemma.core.attention;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Grouped-query attention: consecutive query heads share one head of keys and values.
///
/// ```
/// headᵢ = Attention(qᵢ, k_g, v_g)     g = ⌊i · keyValueHeads / heads⌋
/// ```
///
/// | symbol | shape |
/// |---|---|
/// | `q`, output | `[…, heads, queries, headDim]` |
/// | `k`, `v` | `[…, keyValueHeads, keys, headDim]` |
///
/// With as many key/value heads as query heads it is multi-head attention, with one it is
/// multi-query attention; the cache shrinks by `heads / keyValueHeads`.
///
/// Ainslie et al. 2023, arXiv:2305.13245; Shazeer 2019, arXiv:1911.02150. Answer:
/// `attention/grouped-query.md`.
public record GroupedQuery(int heads, int keyValueHeads, ScaledDotProduct attention) {

  /// @throws IllegalArgumentException if the query heads do not divide into equal groups
  public GroupedQuery {
    if (keyValueHeads < 1 || heads < 1 || heads % keyValueHeads != 0)
      throw new IllegalArgumentException(
          "heads must be a multiple of keyValueHeads, were %d and %d"
              .formatted(heads, keyValueHeads));
  }

  /// How many query heads share one head of keys and values.
  public int groupSize() {
    return heads / keyValueHeads;
  }

  /// Attention of the last queries of a text: the queries end where the keys end.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit or there are more queries than keys
  public Tensor apply(Tensor q, Tensor k, Tensor v, AttentionMask mask) {
    return result(q, k, v, mask).output();
  }

  /// The same with the weights, `[…, heads, queries, keys]`.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit or there are more queries than keys
  public ScaledDotProduct.Result result(Tensor q, Tensor k, Tensor v, AttentionMask mask) {
    checkShapes(q, k, v);
    int queries = q.size(-2);
    int keys = k.size(-2);
    if (queries > keys)
      throw new IllegalArgumentException(
          "q %s and k %s: more queries than keys have no place in the text".formatted(q, k));
    return result(q, k, v, mask.hidden(queries, keys, keys - queries));
  }

  /// The same with a mask of its own, `[queries, keys]`: 1 where a query must not look. The two
  /// lengths are free, as in cross-attention.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit
  public Tensor apply(Tensor q, Tensor k, Tensor v, Tensor hidden) {
    return result(q, k, v, hidden).output();
  }

  /// Output and weights, `[…, heads, queries, keys]`.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit
  public ScaledDotProduct.Result result(Tensor q, Tensor k, Tensor v, Tensor hidden) {
    checkShapes(q, k, v);
    var grouped = attention.apply(grouped(q), k.unsqueeze(-3), v.unsqueeze(-3), hidden);
    int[] shape = q.shape();
    shape[shape.length - 1] = v.size(-1);
    Tensor output = grouped.output().reshape(shape);
    shape[shape.length - 1] = k.size(-2);
    return new ScaledDotProduct.Result(output, grouped.weights().reshape(shape));
  }

  /// The key or value projection `[heads·headDim, dim]` of a multi-head layer as one for this layer,
  /// `[keyValueHeads·headDim, dim]`: the mean of the heads of each group. Training goes on from it.
  ///
  /// Ainslie et al. 2023, section 2.1.
  ///
  /// @throws IllegalArgumentException if the rows are no multiple of the heads
  public Tensor pooled(Tensor weight) {
    if (weight.rank() != 2 || weight.size(0) % heads != 0)
      throw new IllegalArgumentException(
          "weight must have rows for %d heads, was %s".formatted(heads, weight));
    int headDim = weight.size(0) / heads;
    return weight
        .reshape(keyValueHeads, groupSize(), headDim, weight.size(1))
        .mean(1, false)
        .reshape(keyValueHeads * headDim, weight.size(1));
  }

  /// `[…, heads, queries, d]` as `[…, keyValueHeads, heads / keyValueHeads, queries, d]`.
  private Tensor grouped(Tensor q) {
    int[] shape = q.shape();
    int rank = shape.length;
    int[] groups = Arrays.copyOf(shape, rank + 1);
    groups[rank - 3] = keyValueHeads;
    groups[rank - 2] = groupSize();
    groups[rank - 1] = shape[rank - 2];
    groups[rank] = shape[rank - 1];
    return q.reshape(groups);
  }

  private void checkShapes(Tensor q, Tensor k, Tensor v) {
    if (q.rank() < 3 || q.size(-3) != heads)
      throw new IllegalArgumentException(
          "q %s must have %d heads at its third last axis".formatted(q, heads));
    if (k.rank() < 3 || k.size(-3) != keyValueHeads || v.rank() < 3 || v.size(-3) != keyValueHeads)
      throw new IllegalArgumentException(
          "k %s and v %s must have %d heads at their third last axis"
              .formatted(k, v, keyValueHeads));
  }
}
