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

  /// Attention of the last queries of a text; see [ScaledDotProduct#apply(Tensor, Tensor, Tensor,
  /// AttentionMask)].
  public Tensor apply(Tensor q, Tensor k, Tensor v, AttentionMask mask) {
    int queries = checkShapes(q, k, v);
    return apply(q, k, v, mask.hidden(queries, k.size(-2), k.size(-2) - queries));
  }

  /// The same with a mask of its own, `[queries, keys]`: 1 where a query must not look.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit
  public Tensor apply(Tensor q, Tensor k, Tensor v, Tensor hidden) {
    checkShapes(q, k, v);
    Tensor output = attention.apply(grouped(q), k.unsqueeze(-3), v.unsqueeze(-3), hidden).output();
    int[] shape = q.shape();
    shape[shape.length - 1] = v.size(-1);
    return output.reshape(shape);
  }

  /// `[…, heads, queries, d]` as `[…, keyValueHeads, heads / keyValueHeads, queries, d]`.
  private Tensor grouped(Tensor q) {
    int[] shape = q.shape();
    int rank = shape.length;
    int[] groups = Arrays.copyOf(shape, rank + 1);
    groups[rank - 3] = keyValueHeads;
    groups[rank - 2] = heads / keyValueHeads;
    groups[rank - 1] = shape[rank - 2];
    groups[rank] = shape[rank - 1];
    return q.reshape(groups);
  }

  private int checkShapes(Tensor q, Tensor k, Tensor v) {
    if (q.rank() < 3 || q.size(-3) != heads)
      throw new IllegalArgumentException(
          "q %s must have %d heads at its third last axis".formatted(q, heads));
    if (k.rank() < 3 || k.size(-3) != keyValueHeads || v.rank() < 3 || v.size(-3) != keyValueHeads)
      throw new IllegalArgumentException(
          "k %s and v %s must have %d heads at their third last axis"
              .formatted(k, v, keyValueHeads));
    if (q.size(-2) > k.size(-2))
      throw new IllegalArgumentException(
          "q %s and k %s: more queries than keys have no place in the text".formatted(q, k));
    return q.size(-2);
  }
}
