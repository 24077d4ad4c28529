package lemma.core.feedforward;

import lemma.core.activation.Activation;
import lemma.core.tensor.Tensor;

/// A feed-forward layer with a gate: one projection decides how much of the other passes.
///
/// ```
/// y = (f(x·W_gateᵀ + b_gate) ⊙ (x·W_upᵀ + b_up))·W_downᵀ + b_down
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, `y` | `[..., dim]` | |
/// | `gate`, `up` | `[hidden, dim]` | hidden is ⅔·4·dim as a rule: [#hiddenSize] |
/// | `down` | `[dim, hidden]` | |
///
/// | f | name | models |
/// |---|---|---|
/// | [Activation.Sigmoid] | GLU | gated convolutions |
/// | [Activation.Relu] | ReGLU | |
/// | [Activation.Gelu], [Activation.GeluTanh] | GEGLU | T5 v1.1, Gemma, GLM-130B |
/// | [Activation.Swish] | SwiGLU | Llama, Mistral, Qwen, PaLM |
/// | [Activation.Identity] | bilinear | |
///
/// Shazeer 2020, eq. 5 and 6, arXiv:2002.05202; Dauphin et al. 2017, arXiv:1612.08083. Answer:
/// `feedforward/glu-ffn.md`.
public record GluFfn(Activation activation, Linear gate, Linear up, Linear down) {

  /// @throws IllegalArgumentException if the maps do not fit each other
  public GluFfn {
    if (gate.in() != up.in() || gate.out() != up.out())
      throw new IllegalArgumentException(
          "gate and up must have one shape [hidden, dim], were %s and %s"
              .formatted(gate.weight(), up.weight()));
    if (down.in() != up.out() || down.out() != up.in())
      throw new IllegalArgumentException(
          "up %s must be [hidden, dim] and down [dim, hidden], was %s"
              .formatted(up.weight(), down.weight()));
  }

  /// The layer of Llama and Mixtral: the gate is SiLU, and nothing has a bias.
  public static GluFfn swiGlu(Tensor gate, Tensor up, Tensor down) {
    return new GluFfn(Activation.Swish.SILU, new Linear(gate), new Linear(up), new Linear(down));
  }

  /// `x [..., dim]` → the same shape.
  ///
  /// @throws IllegalArgumentException if the last axis of `x` is not `dim` long
  public Tensor apply(Tensor x) {
    return down.apply(activation.apply(gate.apply(x)).mul(up.apply(x)));
  }

  /// The gate without projections, as convolutional networks have it: `y = a ⊙ σ(b)` where a is the
  /// first half of an axis and b the second.
  ///
  /// @throws IllegalArgumentException if the axis has no halves
  public static Tensor ofHalves(Tensor x, int axis) {
    int size = x.size(axis);
    if (size % 2 != 0)
      throw new IllegalArgumentException(
          "axis %d of x must have an even size, was %s".formatted(axis, x));
    return x.slice(axis, 0, size / 2).mul(x.slice(axis, size / 2, size).sigmoid());
  }

  /// How wide the middle is for the parameters of a plain layer of 4·dim: 8·dim/3, rounded down, then
  /// up to a multiple. Llama 7B has 4096 → 11008 with a multiple of 256.
  ///
  /// @throws IllegalArgumentException if a number is not positive, or the result is no `int`
  public static int hiddenSize(int dim, int multipleOf) {
    if (dim < 1 || multipleOf < 1)
      throw new IllegalArgumentException(
          "dim and multipleOf must be positive, were %d and %d".formatted(dim, multipleOf));
    long twoThirds = 2L * 4 * dim / 3;
    long rounded = Math.ceilDiv(twoThirds, (long) multipleOf) * multipleOf;
    if (rounded > Integer.MAX_VALUE)
      throw new IllegalArgumentException(
          "dim %d and multipleOf %d lead to a width of %d".formatted(dim, multipleOf, rounded));
    return (int) rounded;
  }

  /// How many numbers are learned: 3·dim·hidden without biases.
  public long parameters() {
    return gate.parameters() + up.parameters() + down.parameters();
  }
}
