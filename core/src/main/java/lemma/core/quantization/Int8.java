package lemma.core.quantization;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// A tensor in eight bits: integers, and what turns them back.
///
/// ```
/// x ≈ s·(q − z)
/// absmax       s = max|x| / 127             z = 0                        q = round(x/s)
/// zero point   s = (max − min) / 255        z = q₀ − round(min/s)        q = round(x/s) + z
/// ```
///
/// Halves are rounded to even. There is one `scale` and one `zeroPoint` for the tensor, or one for each
/// of its rows (the output channels of a weight). With a zero point the range is first widened to
/// contain 0, so that 0 is a level.
///
/// The arrays are shared. Jacob et al. 2018, eq. 3, arXiv:1712.05877. Answer: `quantization/int8.md`.
public record Int8(int[] shape, int[] values, double[] scales, int[] zeroPoints) {

  /// The integers that a zero point may use.
  public enum Range {
    /// −128 to 127
    SIGNED(-128),
    /// 0 to 255
    UNSIGNED(0);

    private final int least;

    Range(int least) {
      this.least = least;
    }
  }

  /// @throws IllegalArgumentException if the parts do not belong together
  public Int8 {
    int groups = scales.length;
    if (groups == 0 || zeroPoints.length != groups || values.length % groups != 0)
      throw new IllegalArgumentException(
          "%d values, %d scales and %d zero points do not belong together"
              .formatted(values.length, groups, zeroPoints.length));
    if (Arrays.stream(shape).asLongStream().reduce(1, (a, b) -> a * b) != values.length)
      throw new IllegalArgumentException(
          "%d values do not have shape %s".formatted(values.length, Arrays.toString(shape)));
  }

  /// Symmetric, with one scale for the whole tensor.
  public static Int8 absmax(Tensor x) {
    return symmetric(x, 1);
  }

  /// Symmetric, with one scale for each row of `x [rows, columns]`.
  public static Int8 absmaxRows(Tensor x) {
    if (x.rank() != 2)
      throw new IllegalArgumentException("x must have shape [rows, columns], was " + x);
    return symmetric(x, x.size(0));
  }

  private static Int8 symmetric(Tensor x, int groups) {
    double[] data = finite(x);
    int[] values = new int[data.length];
    double[] scales = new double[groups];
    int size = data.length / groups;
    for (int g = 0; g < groups; g++) {
      double largest = 0;
      for (int i = g * size; i < (g + 1) * size; i++)
        largest = Math.max(largest, Math.abs(data[i]));
      scales[g] = largest / 127;
      for (int i = g * size; i < (g + 1) * size && largest > 0; i++)
        values[i] = (int) Math.rint(data[i] / scales[g]);
    }
    return new Int8(x.shape(), values, scales, new int[groups]);
  }

  /// With a zero point, for values that lie more to one side of 0 than to the other.
  public static Int8 affine(Tensor x, Range range) {
    double[] data = finite(x);
    double least = Math.min(0, Arrays.stream(data).min().orElse(0));
    double most = Math.max(0, Arrays.stream(data).max().orElse(0));
    double scale = most > least ? (most - least) / 255 : 1;
    int zeroPoint =
        Math.clamp((long) (range.least - Math.rint(least / scale)), range.least, range.least + 255);
    int[] values = new int[data.length];
    for (int i = 0; i < data.length; i++)
      values[i] =
          Math.clamp((long) Math.rint(data[i] / scale) + zeroPoint, range.least, range.least + 255);
    return new Int8(x.shape(), values, new double[] {scale}, new int[] {zeroPoint});
  }

  private static double[] finite(Tensor x) {
    double[] data = x.data();
    for (double value : data)
      if (!Double.isFinite(value))
        throw new IllegalArgumentException("x must be finite, holds " + value);
    return data;
  }

  /// s·(q − z).
  public Tensor dequantise() {
    double[] data = new double[values.length];
    int size = values.length / scales.length;
    for (int i = 0; i < data.length; i++)
      data[i] = scales[i / size] * (values[i] - zeroPoints[i / size]);
    return Tensor.ofShared(data, shape);
  }
}
