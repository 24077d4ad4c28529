package lemma.core.attention;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Multi-head attention with its projections: each head looks in a subspace of its own.
///
/// ```
/// headᵢ = Attention(x·Wᵢ^Qᵀ + bᵢ^Q, y·Wᵢ^Kᵀ + bᵢ^K, z·Wᵢ^Vᵀ + bᵢ^V)
/// out   = concat(head₁ … head_h)·W^Oᵀ + b^O
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `inWeight` | `[3·dim, dim]` | W^Q, W^K, W^V below each other; heads are blocks of rows |
/// | `inBias` | `[3·dim]` | |
/// | `outWeight`, `outBias` | `[dim, dim]`, `[dim]` | W^O, b^O |
///
/// Vaswani et al. 2017, section 3.2.2, arXiv:1706.03762. Answer:
/// `attention/scaled-dot-product.md`.
public record MultiHeadAttention(
    int heads, Tensor inWeight, Tensor inBias, Tensor outWeight, Tensor outBias) {

  /// @throws IllegalArgumentException if the heads do not divide the width or a shape does not fit
  public MultiHeadAttention {
    int dim = outBias.count();
    if (heads < 1 || dim == 0 || dim % heads != 0)
      throw new IllegalArgumentException(
          "heads must divide the width %d, were %d".formatted(dim, heads));
    requireShape("inWeight", inWeight, 3 * dim, dim);
    requireShape("inBias", inBias, 3 * dim);
    requireShape("outWeight", outWeight, dim, dim);
    requireShape("outBias", outBias, dim);
  }

  private static void requireShape(String name, Tensor tensor, int... shape) {
    if (!Arrays.equals(tensor.shape(), shape))
      throw new IllegalArgumentException(
          "%s must have shape %s, was %s".formatted(name, Arrays.toString(shape), tensor));
  }

  /// Attention of `query [queries, dim]` over `key` and `value [keys, dim]`; 1 in `hidden`, which
  /// broadcasts to `[queries, keys]`, where a query must not look. The weights are
  /// `[heads, queries, keys]`.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit
  public ScaledDotProduct.Result apply(Tensor query, Tensor key, Tensor value, Tensor hidden) {
    int dim = outBias.count();
    var result =
        ScaledDotProduct.of(dim / heads)
            .apply(project(query, 0), project(key, 1), project(value, 2), hidden);
    Tensor joined = result.output().transpose(0, 1).reshape(query.size(0), dim);
    return new ScaledDotProduct.Result(
        joined.matmulTransposed(outWeight).add(outBias), result.weights());
  }

  /// Part 0, 1 or 2 of the fused projection, `[heads, tokens, dim / heads]`.
  private Tensor project(Tensor x, int part) {
    int dim = outBias.count();
    if (x.rank() != 2 || x.size(1) != dim)
      throw new IllegalArgumentException("inputs must be [tokens, %d], was %s".formatted(dim, x));
    Tensor weight = inWeight.slice(0, part * dim, (part + 1) * dim);
    Tensor bias = inBias.slice(0, part * dim, (part + 1) * dim);
    return x.matmulTransposed(weight).add(bias).reshape(x.size(0), heads, -1).transpose(0, 1);
  }
}
