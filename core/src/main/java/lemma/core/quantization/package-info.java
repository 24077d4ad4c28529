/// Weights and activations in fewer bits.
///
/// | type | what it does |
/// |---|---|
/// | [Int8] | eight bits with one scale: for a tensor, for each row, with a zero point |
/// | [LlmInt8] | a product in int8, outlier columns apart |
/// | [Nf4], [BlockScales] | four bits at the quantiles of a normal distribution; scales quantised again |
/// | [GroupQuantiser] | b bits by rounding, groups of a row sharing scale and zero point |
/// | [Gptq] | rounding that corrects the columns still to come |
/// | [Awq] | rounding after columns with large activations were scaled up |
///
/// The formats of GGUF files are in [lemma.core.format.BlockFormat], float16 and bfloat16 in
/// [lemma.core.format.FloatFormat].
package lemma.core.quantization;
