/// Activations: the functions that stand between two matrices, element by element.
///
/// | type | formula |
/// |---|---|
/// | [Activation.Relu] and its relatives | max(x, 0), with a slope or an exponential to the left |
/// | [Activation.Gelu], [Activation.GeluTanh] | x·Φ(x), exact and approximated |
/// | [Activation.Swish] | x·σ(βx) |
///
/// All are variants of [Activation]. Gated layers that use them are in
/// [lemma.core.feedforward].
package lemma.core.activation;
