package lemma.diffusion.model;

import static lemma.core.tensor.Tensor.LAST;

import lemma.core.feedforward.Linear;
import lemma.core.norm.GroupNorm;
import lemma.core.tensor.Tensor;

/// Self-attention between the pixels of an image: every pixel may look at every other.
///
/// ```
/// q, k, v = rows(norm(x))·W + b          a row for each pixel, in heads of d channels
/// y = x + out(softmax(q·kᵀ/√d)·v)
/// ```
///
/// Its cost grows with the square of the number of pixels, so U-Nets have it at low resolutions only.
/// Parameters are named as in diffusers.
///
/// @param heads divides the channels
public record SelfAttention2d(
    GroupNorm norm, Linear query, Linear key, Linear value, Linear out, int heads) {

  /// @throws IllegalArgumentException if the heads do not divide the channels
  public SelfAttention2d {
    int channels = query.weight().size(0);
    if (heads < 1 || channels % heads != 0) {
      throw new IllegalArgumentException(
          "heads %d must divide the channels %d".formatted(heads, channels));
    }
  }

  /// Asks for `group_norm`, `to_q`, `to_k`, `to_v` and `to_out.0`.
  public static SelfAttention2d of(
      Weights weights, int channels, int heads, int groups, double epsilon) {
    return new SelfAttention2d(
        weights.groupNorm("group_norm", groups, channels, epsilon),
        weights.linear("to_q", channels, channels),
        weights.linear("to_k", channels, channels),
        weights.linear("to_v", channels, channels),
        weights.linear("to_out.0", channels, channels),
        heads);
  }

  /// `x [n, channels, height, width]` → the same shape.
  public Tensor apply(Tensor x) {
    int n = x.size(0);
    int channels = x.size(1);
    int pixels = x.size(2) * x.size(3);
    Tensor rows = norm.apply(x).reshape(n, channels, pixels).transpose(1, 2);
    Tensor q = heads(query.apply(rows));
    Tensor k = heads(key.apply(rows));
    Tensor v = heads(value.apply(rows)); // [n, heads, pixels, d]
    double scale = 1 / Math.sqrt((double) channels / heads);
    Tensor mixed = q.matmulTransposed(k).mul(scale).softmax(LAST).matmul(v);
    Tensor joined = out.apply(mixed.transpose(1, 2).reshape(n, pixels, channels));
    return x.add(joined.transpose(1, 2).reshape(x.shape()));
  }

  private Tensor heads(Tensor rows) {
    return rows.reshape(rows.size(0), rows.size(1), heads, -1).transpose(1, 2);
  }
}
