package lemma.core.attention;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Cross-attention: queries come from one sequence, keys and values from another.
///
/// ```
/// q = x·W_Qᵀ      k = c·W_Kᵀ      v = c·W_Vᵀ
/// out = concat over heads of Attention(q, k, v), times W_Oᵀ, plus b_O
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, out | `[…, tokens, dim]` | pixels of a latent image; tokens of a decoder |
/// | `context` c | `[…, contextTokens, contextDim]` | the prompt; what an encoder made of its text |
/// | `W_Q` | `[heads·headDim, dim]` | |
/// | `W_K`, `W_V` | `[heads·headDim, contextDim]` | they alone know the context's width |
/// | `W_O`, `b_O` | `[dim, heads·headDim]`, `[dim]` | |
///
/// With `context = x` it is self-attention. Nothing depends on the order of the context's tokens:
/// order is in them already, put there by the text encoder.
///
/// Vaswani et al. 2017, section 3.2.3, arXiv:1706.03762; Rombach et al. 2022, section 3.3,
/// arXiv:2112.10752. Answer: `attention/cross-attention.md`.
public record CrossAttention(
    int heads,
    Tensor queryWeight,
    Tensor keyWeight,
    Tensor valueWeight,
    Tensor outputWeight,
    Tensor outputBias) {

  /// Keys and values of a context, `[…, heads, contextTokens, headDim]`: the same for every x, so for
  /// every step of denoising and every token of a decoder.
  public record Context(Tensor keys, Tensor values) {}

  /// @throws IllegalArgumentException if the heads do not divide the inner width or a shape does not
  ///     fit
  public CrossAttention {
    for (Tensor weight : new Tensor[] {queryWeight, keyWeight, valueWeight, outputWeight})
      if (weight.rank() != 2)
        throw new IllegalArgumentException("weights must be matrices, one was " + weight);
    int inner = queryWeight.size(0);
    if (heads < 1 || inner == 0 || inner % heads != 0)
      throw new IllegalArgumentException(
          "heads must divide the %d rows of queryWeight, were %d".formatted(inner, heads));
    if (keyWeight.size(0) != inner
        || valueWeight.size(0) != inner
        || keyWeight.size(1) != valueWeight.size(1))
      throw new IllegalArgumentException(
          "keyWeight %s and valueWeight %s must be [%d, contextDim]"
              .formatted(keyWeight, valueWeight, inner));
    if (outputWeight.size(1) != inner
        || outputBias.rank() != 1
        || outputBias.size(0) != outputWeight.size(0))
      throw new IllegalArgumentException(
          "outputWeight %s and outputBias %s must be [dim, %d] and [dim]"
              .formatted(outputWeight, outputBias, inner));
  }

  /// The keys and values of `context [..., contextTokens, contextDim]`.
  ///
  /// @throws IllegalArgumentException if `context` has another width
  public Context project(Tensor context) {
    return new Context(
        split("context", context, keyWeight), split("context", context, valueWeight));
  }

  /// Attention of `x` over a context, all of whose tokens are seen.
  ///
  /// @throws IllegalArgumentException if a shape does not fit
  public ScaledDotProduct.Result apply(Tensor x, Tensor context) {
    return apply(x, project(context), Tensor.zeros(1, 1));
  }

  /// The same with keys and values made before, and 1 in `hidden`, which broadcasts to the weights
  /// `[…, heads, tokens, contextTokens]`, where a query must not look: at padding.
  ///
  /// @throws IllegalArgumentException if a shape does not fit
  public ScaledDotProduct.Result apply(Tensor x, Context context, Tensor hidden) {
    Tensor q = split("x", x, queryWeight);
    var result =
        ScaledDotProduct.of(q.size(LAST)).apply(q, context.keys(), context.values(), hidden);
    int[] shape = x.shape();
    shape[shape.length - 1] = queryWeight.size(0);
    Tensor joined = result.output().transpose(-3, -2).reshape(shape);
    return new ScaledDotProduct.Result(
        joined.matmulTransposed(outputWeight).add(outputBias), result.weights());
  }

  /// `[…, tokens, width]` as `[…, heads, tokens, headDim]`.
  private Tensor split(String name, Tensor x, Tensor weight) {
    if (x.rank() < 2 || x.size(LAST) != weight.size(1))
      throw new IllegalArgumentException(
          "%s must be [..., tokens, %d], was %s".formatted(name, weight.size(1), x));
    int[] shape = Arrays.copyOf(x.shape(), x.rank() + 1);
    shape[x.rank() - 1] = heads;
    shape[x.rank()] = weight.size(0) / heads;
    return x.matmulTransposed(weight).reshape(shape).transpose(-3, -2);
  }
}
