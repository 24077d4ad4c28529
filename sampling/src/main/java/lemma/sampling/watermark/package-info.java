/// Watermark: a statistical mark in generated text that a key makes visible.
///
/// | type | |
/// |---|---|
/// | [GreenList] | the key's split of the vocabulary after each token |
/// | [Watermark] | raises the green tokens while a text is generated |
/// | [WatermarkDetector] | counts them: a z-score |
package lemma.sampling.watermark;
