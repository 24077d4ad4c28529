package lemma.diffusion.model;

import lemma.core.tensor.Tensor;

/// A convolution of images, as networks define it: a cross-correlation over zero padding.
///
/// ```
/// y[o, i, j] = b[o] + Σ_{c,u,v} W[o, c, u, v] · x[c, i·stride + u − padding, j·stride + v − padding]
/// ```
///
/// @param weight `[out, in, kernel, kernel]`
/// @param bias `[out]`
public record Conv2d(Tensor weight, Tensor bias, int stride, int padding) {

  /// A kernel of odd size that keeps the size of the image; asks for `weight` and `bias`.
  public static Conv2d same(Weights weights, int in, int out, int kernel) {
    return of(weights, in, out, kernel, 1, kernel / 2);
  }

  /// Asks for `weight` and `bias`.
  public static Conv2d of(Weights weights, int in, int out, int kernel, int stride, int padding) {
    return new Conv2d(
        weights.get("weight", out, in, kernel, kernel), weights.get("bias", out), stride, padding);
  }

  /// `x [n, in, height, width] → [n, out, .., ..]`.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit
  public Tensor apply(Tensor x) {
    return x.conv2d(weight, bias, stride, padding);
  }
}
