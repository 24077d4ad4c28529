/// Guidance: making a sample agree more with its condition than the model alone would.
///
/// | type | formula |
/// |---|---|
/// | [ClassifierFreeGuidance] | ε = ε_u + s·(ε_c − ε_u), both from one network |
/// | [ClassifierGuidance] | ε = ε_u − s·√(1 − ᾱ)·∇ log p(y \| x) |
/// | [ConditionDropout] | how training gives one network both answers |
/// | [GuidanceKernel], [GuidanceNd4j] | guidance and step as one pass over floats, and on ND4J |
package lemma.diffusion.guidance;
