/// Attention: which tokens look at which, and what they take from them.
///
/// | type | what it is |
/// |---|---|
/// | [ScaledDotProduct] | softmax(q·kᵀ/√d + mask)·v |
/// | [AttentionMask] | who may look at whom: causal, prefix, sliding window, … |
/// | [GroupedQuery] | fewer key/value heads than query heads |
///
/// Read them in this order.
package lemma.core.attention;
