package lemma.core.norm;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Tensors `[n, channels, …]`, whose channels are the second axis.
final class Channels {
  private Channels() {}

  static void require(Tensor x, int channels) {
    if (x.rank() < 2 || x.size(1) != channels)
      throw new IllegalArgumentException("x must be [n, %d, …], was %s".formatted(channels, x));
  }

  /// A number for each channel, `[channels]`, so shaped that it broadcasts along `x`.
  static Tensor along(Tensor values, Tensor x) {
    int[] shape = new int[x.rank() - 1];
    Arrays.fill(shape, 1);
    shape[0] = values.size(0);
    return values.reshape(shape);
  }
}
