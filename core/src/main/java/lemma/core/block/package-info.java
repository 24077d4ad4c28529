/// Blocks: attention and feed-forward put together, with the norms where a model has them.
///
/// | type | what it computes |
/// |---|---|
/// | [TransformerBlock] | attention, then feed-forward, each in a [lemma.core.norm.NormPlacement] |
/// | [TransformerStack] | such layers on each other, for what depth does |
/// | [InitialGradients] | what gradient arrives at both ends of such a stack |
package lemma.core.block;
