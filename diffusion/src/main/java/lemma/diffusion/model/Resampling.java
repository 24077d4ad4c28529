package lemma.diffusion.model;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// The ways in which image networks change the resolution, on `[n, channels, height, width]`.
public final class Resampling {
  private Resampling() {}

  /// Nearest neighbour to twice the size, then a 3×3 convolution.
  ///
  /// Smooth where a strided transposed convolution leaves a checkerboard (Odena et al. 2016).
  public record Upsample(Conv2d conv) {

    /// Asks for `conv`.
    public static Upsample of(Weights weights, int in, int out) {
      return new Upsample(Conv2d.same(weights.under("conv"), in, out, 3));
    }

    /// `[n, in, height, width] → [n, out, 2·height, 2·width]`.
    public Tensor apply(Tensor x) {
      return conv.apply(x.upsampleNearest(2));
    }
  }

  /// A 3×3 convolution of stride 2.
  ///
  /// Padded on all sides in U-Nets; on the right and below only in the encoder of the autoencoder.
  public record Downsample(Conv2d conv) {

    /// With padding on all sides; asks for `conv`.
    public static Downsample of(Weights weights, int in, int out) {
      return new Downsample(Conv2d.of(weights.under("conv"), in, out, 3, 2, 1));
    }

    /// `[n, in, height, width] → [n, out, height/2, width/2]`.
    public Tensor apply(Tensor x) {
      return conv.apply(conv.padding() == 0 ? x.pad2d(0, 1, 0, 1) : x);
    }
  }

  /// The image continued over each edge by the opposite one: a convolution over it makes an image that
  /// tiles a plane without a seam.
  ///
  /// @throws IllegalArgumentException if the padding is larger than the image
  public static Tensor wrap(Tensor x, int padding) {
    return wrap(wrap(x, 2, padding), 3, padding);
  }

  private static Tensor wrap(Tensor x, int axis, int padding) {
    int size = x.size(axis);
    if (padding < 0 || padding > size) {
      throw new IllegalArgumentException(
          "padding must be between 0 and %d for x %s, was %d"
              .formatted(size, Arrays.toString(x.shape()), padding));
    }
    Tensor end = x.slice(axis, size - padding, size);
    return Tensor.concat(axis, end, x, x.slice(axis, 0, padding));
  }

  /// Squares of `factor` by `factor` pixels become channels; nothing is lost.
  ///
  /// ```
  /// y[c·r² + dy·r + dx, i, j] = x[c, i·r + dy, j·r + dx]
  /// ```
  ///
  /// @throws IllegalArgumentException if the factor does not divide height and width
  public static Tensor pixelUnshuffle(Tensor x, int factor) {
    int[] s = x.shape();
    if (s.length != 4 || factor < 1 || s[2] % factor != 0 || s[3] % factor != 0) {
      throw new IllegalArgumentException(
          "x %s must be [n, channels, height, width] with sizes that factor %d divides"
              .formatted(Arrays.toString(s), factor));
    }
    return x.reshape(s[0], s[1], s[2] / factor, factor, s[3] / factor, factor)
        .permute(0, 1, 3, 5, 2, 4)
        .reshape(s[0], s[1] * factor * factor, s[2] / factor, s[3] / factor);
  }

  /// The inverse of [#pixelUnshuffle].
  ///
  /// @throws IllegalArgumentException if the square of the factor does not divide the channels
  public static Tensor pixelShuffle(Tensor x, int factor) {
    int[] s = x.shape();
    if (s.length != 4 || factor < 1 || s[1] % (factor * factor) != 0) {
      throw new IllegalArgumentException(
          "x %s must be [n, channels, height, width] with channels that %d·%d divides"
              .formatted(Arrays.toString(s), factor, factor));
    }
    return x.reshape(s[0], s[1] / (factor * factor), factor, factor, s[2], s[3])
        .permute(0, 1, 4, 2, 5, 3)
        .reshape(s[0], s[1] / (factor * factor), s[2] * factor, s[3] * factor);
  }
}
