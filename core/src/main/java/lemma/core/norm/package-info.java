/// Normalisation: keeping the size of activations in hand, row by row.
///
/// | type | formula |
/// |---|---|
/// | [LayerNorm] | y = g · (x − μ) / √(σ² + ε) + b |
/// | [RmsNorm] | y = g · x / √(mean(x²) + ε) |
///
/// Each has a formula form on [lemma.core.tensor.Tensor], a fast form (`…Kernel`) on floats and an
/// ND4J form (`…Nd4j`).
package lemma.core.norm;
