package lemma.core.feedforward;

import lemma.core.activation.Activation;
import lemma.core.tensor.Tensor;

/// The feed-forward layer of the first transformer: each token by itself, wide in the middle.
///
/// ```
/// y = f(x·W_upᵀ + b_up)·W_downᵀ + b_down
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, `y` | `[..., dim]` | |
/// | `up` | `[hidden, dim]` | hidden is 4·dim as a rule |
/// | `down` | `[dim, hidden]` | |
///
/// Vaswani et al. 2017, eq. 2, arXiv:1706.03762. Answer: `feedforward/glu-ffn.md`.
public record FeedForward(Activation activation, Linear up, Linear down) {

  /// @throws IllegalArgumentException if the maps do not lead back to the width they start from
  public FeedForward {
    if (down.in() != up.out() || down.out() != up.in())
      throw new IllegalArgumentException(
          "up %s must be [hidden, dim] and down [dim, hidden], was %s"
              .formatted(up.weight(), down.weight()));
  }

  /// `x [..., dim]` → the same shape.
  ///
  /// @throws IllegalArgumentException if the last axis of `x` is not `dim` long
  public Tensor apply(Tensor x) {
    return down.apply(activation.apply(up.apply(x)));
  }

  /// How many numbers are learned: 2·dim·hidden without biases.
  public long parameters() {
    return up.parameters() + down.parameters();
  }
}
