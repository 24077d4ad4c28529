package lemma.core.feedforward;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Optional;
import lemma.core.tensor.Tensor;

/// An affine map of rows.
///
/// ```
/// y = x·Wᵀ + b
/// ```
///
/// @param weight `[out, in]`
/// @param bias `[out]`, or none
public record Linear(Tensor weight, Optional<Tensor> bias) {

  /// @throws IllegalArgumentException if weight and bias do not fit each other
  public Linear {
    if (weight.rank() != 2)
      throw new IllegalArgumentException("weight must be [out, in], was " + weight);
    if (bias.isPresent() && (bias.get().rank() != 1 || bias.get().size(0) != weight.size(0)))
      throw new IllegalArgumentException(
          "bias must be [%d] as weight is %s, was %s"
              .formatted(weight.size(0), weight, bias.get()));
  }

  /// With a bias `[out]`.
  public Linear(Tensor weight, Tensor bias) {
    this(weight, Optional.of(bias));
  }

  /// Without a bias.
  public Linear(Tensor weight) {
    this(weight, Optional.empty());
  }

  /// `x [..., in] → [..., out]`.
  ///
  /// @throws IllegalArgumentException if the last axis of `x` is not `in` long
  public Tensor apply(Tensor x) {
    if (x.rank() < 2 || x.size(LAST) != in())
      throw new IllegalArgumentException("x must be [..., %d], was %s".formatted(in(), x));
    Tensor y = x.matmulTransposed(weight);
    return bias.isPresent() ? y.add(bias.get()) : y;
  }

  /// The width of what goes in.
  public int in() {
    return weight.size(1);
  }

  /// The width of what comes out.
  public int out() {
    return weight.size(0);
  }

  /// How many numbers are learned.
  public long parameters() {
    return (long) weight.count() + bias.map(Tensor::count).orElse(0);
  }
}
