package lemma.core.cache;

import java.util.stream.IntStream;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.GroupedQuery;
import lemma.core.position.Rope;
import lemma.core.tensor.Tensor;

/// One attention layer that remembers the keys and values of the tokens before.
///
/// ```
/// q, k, v = R(x·W_Qᵀ), R(x·W_Kᵀ), x·W_Vᵀ          of the new tokens only
/// K, V    = [K_past; k], [V_past; v]
/// out     = Attention(q, K, V, causal)·W_Oᵀ
/// ```
///
/// | symbol | shape |
/// |---|---|
/// | `x`, `out` | `[time, dim]` |
/// | `W_Q`, `W_O` | `[heads·headDim, dim]`, `[dim, heads·headDim]` |
/// | `W_K`, `W_V` | `[keyValueHeads·headDim, dim]` |
/// | `K`, `V` | `[keyValueHeads, past + time, headDim]` |
///
/// A causal layer never changes what an earlier token's key and value are, so they are computed
/// once. Keys are kept after their rotation: position p stays position p. Earlier queries are not
/// kept, because no later output reads them.
///
/// Pope et al. 2022, section 2, arXiv:2211.05102. Answer: `cache/kv-cache.md`.
public record CachedAttention(
    GroupedQuery heads,
    Rope rope,
    Tensor queryWeight,
    Tensor keyWeight,
    Tensor valueWeight,
    Tensor outputWeight) {

  /// Keys and values so far. A past is a value: keeping an old one is a rewind, and two texts may go
  /// on from the same one.
  public record Past(Tensor keys, Tensor values) {
    /// Number of tokens.
    public int length() {
      return keys.size(1);
    }
  }

  /// What a call gives: the outputs of the new tokens, and the past with them in it.
  public record Step(Tensor output, Past past) {}

  /// @throws IllegalArgumentException if a weight does not fit the heads
  public CachedAttention {
    requireRows("queryWeight", queryWeight, heads.heads() * rope.headDim());
    requireRows("keyWeight", keyWeight, heads.keyValueHeads() * rope.headDim());
    requireRows("valueWeight", valueWeight, heads.keyValueHeads() * rope.headDim());
    if (outputWeight.rank() != 2 || outputWeight.size(1) != heads.heads() * rope.headDim())
      throw new IllegalArgumentException(
          "outputWeight must have %d columns, was %s"
              .formatted(heads.heads() * rope.headDim(), outputWeight));
  }

  private static void requireRows(String name, Tensor weight, int rows) {
    if (weight.rank() != 2 || weight.size(0) != rows)
      throw new IllegalArgumentException(
          "%s must have %d rows, was %s".formatted(name, rows, weight));
  }

  /// No token yet.
  public Past empty() {
    Tensor none = Tensor.zeros(heads.keyValueHeads(), 0, rope.headDim());
    return new Past(none, none);
  }

  /// Attention of the tokens `x [time, dim]` that follow those of `past`.
  ///
  /// @throws IllegalArgumentException if there is no token or `x` has another width
  public Step apply(Tensor x, Past past) {
    if (x.rank() != 2 || x.size(0) == 0 || x.size(1) != queryWeight.size(1))
      throw new IllegalArgumentException(
          "x must be [time, %d] with a token, was %s".formatted(queryWeight.size(1), x));
    int time = x.size(0);
    int[] positions = IntStream.range(past.length(), past.length() + time).toArray();
    Tensor q = rope.apply(split(x, queryWeight), positions); // [heads, time, headDim]
    Tensor k = rope.apply(split(x, keyWeight), positions);
    Tensor v = split(x, valueWeight);
    Past now = new Past(append(past.keys(), k), append(past.values(), v));
    Tensor mixed = heads.apply(q, now.keys(), now.values(), new AttentionMask.Causal());
    Tensor joined = mixed.transpose(0, 1).reshape(time, -1);
    return new Step(joined.matmulTransposed(outputWeight), now);
  }

  private Tensor split(Tensor x, Tensor weight) {
    return x.matmulTransposed(weight).reshape(x.size(0), -1, rope.headDim()).transpose(0, 1);
  }

  private static Tensor append(Tensor past, Tensor rows) {
    return past.size(1) == 0 ? rows : Tensor.concat(1, past, rows);
  }
}
