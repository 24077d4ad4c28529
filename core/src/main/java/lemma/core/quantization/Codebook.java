package lemma.core.quantization;

import java.util.Arrays;

/// Rounding to the values of a list.
final class Codebook {
  private Codebook() {}

  /// The index of the value nearest to `x`, the lower one of two, in ascending `values`.
  static int nearest(float[] values, float x) {
    int found = Arrays.binarySearch(values, x);
    if (found >= 0) return found;
    int above = -found - 1; // the first value larger than x
    if (above == 0) return 0;
    if (above == values.length) return above - 1;
    return x - values[above - 1] <= values[above] - x ? above - 1 : above;
  }
}
