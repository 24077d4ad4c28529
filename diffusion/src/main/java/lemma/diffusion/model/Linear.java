package lemma.diffusion.model;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// An affine map of rows.
///
/// ```
/// y = x·Wᵀ + b
/// ```
///
/// @param weight `[out, in]`
/// @param bias `[out]`
public record Linear(Tensor weight, Tensor bias) {

  /// @throws IllegalArgumentException if weight and bias do not fit each other
  public Linear {
    if (weight.rank() != 2 || bias.rank() != 1 || bias.size(0) != weight.size(0)) {
      throw new IllegalArgumentException(
          "weight %s and bias %s: expected [out, in] and [out]"
              .formatted(Arrays.toString(weight.shape()), Arrays.toString(bias.shape())));
    }
  }

  /// Asks for `weight` and `bias`.
  public static Linear of(Weights weights, int in, int out) {
    return new Linear(weights.get("weight", out, in), weights.get("bias", out));
  }

  /// `x [.., in] → [.., out]`.
  ///
  /// @throws IllegalArgumentException if the last axis of `x` is not `in` long
  public Tensor apply(Tensor x) {
    if (x.rank() < 2 || x.size(LAST) != weight.size(1)) {
      throw new IllegalArgumentException(
          "x must be [.., %d], was %s".formatted(weight.size(1), Arrays.toString(x.shape())));
    }
    return x.matmulTransposed(weight).add(bias);
  }
}
