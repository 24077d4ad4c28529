package lemma.core.attention;

import java.util.Arrays;
import java.util.stream.IntStream;
import lemma.core.position.Rope;
import lemma.core.position.RopeScaling;
import lemma.core.tensor.Tensor;

/// Multi-head latent attention: keys and values of all heads are made from one short vector for
/// each token, and that vector is what the cache keeps.
///
/// ```
/// c  = x·W_DKVᵀ                 kᴿ = RoPE(x·W_KRᵀ)          cached: c and kᴿ
/// k  = [c·W_UK[h]ᵀ ; kᴿ]        v  = c·W_UV[h]ᵀ
/// q  = [x·W_Q[h]ᵀ  ; RoPE(x·W_QR[h]ᵀ)]
/// out = concat over h of softmax(q·kᵀ / √(headDim + ropeDim), causal)·v, times W_Oᵀ
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, out | `[time, dim]` | |
/// | `W_DKV` down | `[latent, dim]` | compresses |
/// | `W_KR`, `W_QR` | `[ropeDim, dim]`, `[heads, ropeDim, dim]` | one rotated key for all heads |
/// | `W_UK`, `W_UV` up | `[heads, headDim, latent]` | make keys and values again |
/// | `W_Q`, `W_O` | `[heads, headDim, dim]`, `[dim, heads·headDim]` | |
///
/// [Absorbed][#absorbed]: q·(c·W_UKᵀ) = (q·W_UK)·c and Σα(c·W_UVᵀ) = (Σα·c)·W_UVᵀ, so decoding reads
/// c as it lies in the cache and never makes keys or values: it is multi-query attention with one
/// wide head. A rotation between W_UK and the query would stand in the way, hence the separate kᴿ.
///
/// DeepSeek-AI 2024 (DeepSeek-V2), section 2.1, eq. 9 to 19, arXiv:2405.04434. Queries are not
/// compressed and c is not normalised here. Answer: `attention/multi-head-latent.md`.
public record MultiHeadLatent(
    Rope rope,
    Tensor downWeight,
    Tensor ropeKeyWeight,
    Tensor keyUpWeight,
    Tensor valueUpWeight,
    Tensor queryWeight,
    Tensor ropeQueryWeight,
    Tensor outputWeight) {

  /// What the cache holds of the tokens so far: `latent [time, latent]`, `ropeKeys [time, ropeDim]`.
  public record Past(Tensor latent, Tensor ropeKeys) {
    /// Number of tokens.
    public int length() {
      return latent.size(0);
    }
  }

  /// The outputs of the new tokens, and the past with them in it.
  public record Step(Tensor output, Past past) {}

  /// The rotation of the paper: interleaved pairs, base 10 000.
  public static Rope rope(int ropeDim) {
    return new Rope(ropeDim, ropeDim, 10_000, Rope.Layout.INTERLEAVED, new RopeScaling.None());
  }

  /// @throws IllegalArgumentException if a weight does not fit the others
  public MultiHeadLatent {
    if (queryWeight.rank() != 3 || downWeight.rank() != 2)
      throw new IllegalArgumentException(
          "queryWeight %s and downWeight %s must be [heads, headDim, dim] and [latent, dim]"
              .formatted(queryWeight, downWeight));
    int heads = queryWeight.size(0);
    int headDim = queryWeight.size(1);
    int dim = queryWeight.size(2);
    int latent = downWeight.size(0);
    requireShape("downWeight", downWeight, latent, dim);
    requireShape("ropeKeyWeight", ropeKeyWeight, rope.headDim(), dim);
    requireShape("ropeQueryWeight", ropeQueryWeight, heads, rope.headDim(), dim);
    requireShape("keyUpWeight", keyUpWeight, heads, headDim, latent);
    if (valueUpWeight.rank() != 3)
      throw new IllegalArgumentException(
          "valueUpWeight must be [heads, valueDim, latent], was " + valueUpWeight);
    requireShape("valueUpWeight", valueUpWeight, heads, valueUpWeight.size(1), latent);
    requireShape("outputWeight", outputWeight, dim, heads * valueUpWeight.size(1));
  }

  private static void requireShape(String name, Tensor tensor, int... shape) {
    if (!Arrays.equals(tensor.shape(), shape))
      throw new IllegalArgumentException(
          "%s must have shape %s, was %s".formatted(name, Arrays.toString(shape), tensor));
  }

  /// Numbers that the cache keeps for a token: latent + ropeDim, whatever the number of heads.
  public int cachedPerToken() {
    return downWeight.size(0) + rope.headDim();
  }

  /// No token yet.
  public Past empty() {
    return new Past(Tensor.zeros(0, downWeight.size(0)), Tensor.zeros(0, rope.headDim()));
  }

  /// Attention of the tokens `x [time, dim]` that follow those of `past`, with the keys and values
  /// of every head written out.
  ///
  /// @throws IllegalArgumentException if there is no token or `x` has another width
  public Step apply(Tensor x, Past past) {
    Past now = append(x, past);
    Tensor c = now.latent();
    Tensor scores = // [heads, time, keys]
        x.matmulTransposed(queryWeight).matmulTransposed(c.matmulTransposed(keyUpWeight));
    Tensor weights = weights(scores, x, now);
    return new Step(join(weights.matmul(c.matmulTransposed(valueUpWeight))), now);
  }

  /// The same numbers without keys and values: W_UK is absorbed by the query, W_UV by the output.
  ///
  /// @throws IllegalArgumentException if there is no token or `x` has another width
  public Step absorbed(Tensor x, Past past) {
    Past now = append(x, past);
    Tensor c = now.latent();
    Tensor query = x.matmulTransposed(queryWeight).matmul(keyUpWeight); // [heads, time, latent]
    Tensor weights = weights(query.matmulTransposed(c), x, now);
    return new Step(join(weights.matmul(c).matmulTransposed(valueUpWeight)), now);
  }

  private Past append(Tensor x, Past past) {
    if (x.rank() != 2 || x.size(0) == 0 || x.size(1) != downWeight.size(1))
      throw new IllegalArgumentException(
          "x must be [time, %d] with a token, was %s".formatted(downWeight.size(1), x));
    Tensor latent = x.matmulTransposed(downWeight);
    Tensor keys = rope.apply(x.matmulTransposed(ropeKeyWeight), positions(x, past.length()));
    if (past.length() == 0) return new Past(latent, keys);
    return new Past(
        Tensor.concat(0, past.latent(), latent), Tensor.concat(0, past.ropeKeys(), keys));
  }

  /// softmax((content + position) / √(headDim + ropeDim)), causal, `[heads, time, keys]`.
  private Tensor weights(Tensor content, Tensor x, Past now) {
    int time = x.size(0);
    int before = now.length() - time;
    Tensor q = rope.apply(x.matmulTransposed(ropeQueryWeight), positions(x, before));
    Tensor scores = content.add(q.matmulTransposed(now.ropeKeys()));
    Tensor hidden = new AttentionMask.Causal().hidden(time, now.length(), before);
    return scores
        .div(Math.sqrt(queryWeight.size(1) + rope.headDim()))
        .maskedFill(hidden, Double.NEGATIVE_INFINITY)
        .softmax(Tensor.LAST);
  }

  /// `[heads, time, valueDim]` as `[time, dim]`.
  private Tensor join(Tensor mixed) {
    return mixed.transpose(0, 1).reshape(mixed.size(1), -1).matmulTransposed(outputWeight);
  }

  private static int[] positions(Tensor x, int first) {
    return IntStream.range(first, first + x.size(0)).toArray();
  }
}
