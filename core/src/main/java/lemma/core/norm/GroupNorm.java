package lemma.core.norm;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Group normalisation: groups of channels moved to mean 0 and scaled to variance 1, one sample at a
/// time.
///
/// ```
/// y = g_c · (x − μ_G) / √(σ²_G + ε) + b_c      μ_G, σ²_G over all places of the channels of group G
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, `y` | `[n, channels, …]` | `…` are places: height and width of an image, or none |
/// | `g`, `b` | `[channels]` | learned gain and bias |
///
/// With one group it is layer normalisation over channels and places, with a group for each channel
/// instance normalisation. No other sample of the batch has a part in it, so training and inference
/// compute the same.
///
/// Wu & He 2018, eq. 7, arXiv:1803.08494. Answer: `norm/group-norm.md`.
public record GroupNorm(int groups, Tensor gain, Tensor bias, double epsilon) {

  /// @throws IllegalArgumentException if the groups do not divide the channels, gain and bias are
  ///     not one row each of the same length, or `epsilon` is negative or NaN
  public GroupNorm {
    if (gain.rank() != 1)
      throw new IllegalArgumentException("gain must have shape [channels], was " + gain);
    if (!Arrays.equals(bias.shape(), gain.shape()))
      throw new IllegalArgumentException(
          "bias must have shape [%d], was %s".formatted(gain.size(0), bias));
    if (groups < 1 || gain.size(0) % groups != 0)
      throw new IllegalArgumentException(
          "groups must divide the %d channels, were %d".formatted(gain.size(0), groups));
    if (!(epsilon >= 0))
      throw new IllegalArgumentException("epsilon must be 0 or more, was " + epsilon);
  }

  /// Gain 1 and bias 0: the plain normalisation, and where training begins.
  public static GroupNorm plain(int groups, int channels, double epsilon) {
    return new GroupNorm(groups, Tensor.ones(channels), Tensor.zeros(channels), epsilon);
  }

  /// Normalises every group of every sample of `x [n, channels, …]`.
  ///
  /// @throws IllegalArgumentException if `x` has other channels
  public Tensor apply(Tensor x) {
    Channels.require(x, gain.size(0));
    Tensor rows = x.reshape(x.size(0), groups, -1);
    Tensor centred = rows.sub(rows.mean(LAST, true));
    Tensor deviation = centred.square().mean(LAST, true).add(epsilon).sqrt();
    return centred
        .div(deviation)
        .reshape(x.shape())
        .mul(Channels.along(gain, x))
        .add(Channels.along(bias, x));
  }
}
