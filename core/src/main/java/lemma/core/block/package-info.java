/// Blocks: attention and feed-forward put together, with the norms where a model has them.
///
/// | type | what it computes |
/// |---|---|
/// | [TransformerBlock] | attention, then feed-forward, each in a [lemma.core.norm.NormPlacement] |
package lemma.core.block;
