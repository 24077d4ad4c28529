/// Normalisation: keeping the size of activations in hand, and where in the block to do it.
///
/// | type | formula |
/// |---|---|
/// | [LayerNorm] | y = g · (x − μ) / √(σ² + ε) + b, over a row |
/// | [RmsNorm] | y = g · x / √(mean(x²) + ε), over a row |
/// | [GroupNorm] | as LayerNorm, over groups of the channels of a sample |
/// | [BatchNorm] | as LayerNorm, over a channel of all samples |
/// | [QkNorm] | RMSNorm of queries and keys: a bound on the scores |
/// | [NormPlacement] | before the sublayer, behind the sum, or both |
/// | [DeepNorm] | post-norm at any depth |
///
/// The first two are hot: each has a formula form on [lemma.core.tensor.Tensor], a fast form
/// (`…Kernel`) on floats and an ND4J form (`…Nd4j`).
package lemma.core.norm;
