/// Contrast: the logits of one reading of a text against those of another.
///
/// | type | the other reading |
/// |---|---|
/// | [ContrastiveDecoding] | a weaker model's: what both find likely is discounted |
/// | [TextGuidance] | the same model's without the prompt: what the prompt makes likelier is raised |
///
/// Both make a [lemma.sampling.filter.LogitsProcessor] that goes in front of the other filters.
package lemma.sampling.contrast;
