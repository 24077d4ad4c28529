package lemma.diffusion.model;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Normalisation of groups of channels, one image at a time.
///
/// ```
/// y = γ_c · (x − μ_g) / √(σ²_g + ε) + β_c        μ_g, σ²_g over all pixels of the channels of group g
/// ```
///
/// No other image of the batch has a part in it, so training and sampling compute the same.
///
/// Wu & He 2018, arXiv:1803.08494.
///
/// @param gain γ, `[channels]`
/// @param bias β, `[channels]`
public record GroupNorm(int groups, Tensor gain, Tensor bias, double epsilon) {

  /// @throws IllegalArgumentException if the groups do not divide the channels
  public GroupNorm {
    if (groups < 1 || gain.rank() != 1 || gain.size(0) % groups != 0) {
      throw new IllegalArgumentException(
          "groups %d must divide the channels of gain %s"
              .formatted(groups, Arrays.toString(gain.shape())));
    }
    if (!(epsilon >= 0)) {
      throw new IllegalArgumentException("epsilon must be 0 or more, was " + epsilon);
    }
  }

  /// Asks for `weight` and `bias`.
  public static GroupNorm of(Weights weights, int groups, int channels, double epsilon) {
    return new GroupNorm(
        groups, weights.get("weight", channels), weights.get("bias", channels), epsilon);
  }

  /// `x [n, channels, height, width]`, each image and group by itself.
  public Tensor apply(Tensor x) {
    Tensor rows = x.reshape(x.size(0), groups, -1);
    Tensor centred = rows.sub(rows.mean(2));
    Tensor deviation = centred.square().mean(2).add(epsilon).sqrt();
    return centred
        .div(deviation)
        .reshape(x.shape())
        .mul(gain.reshape(-1, 1, 1))
        .add(bias.reshape(-1, 1, 1));
  }
}
