/// Attention: which tokens look at which, and what they take from them.
///
/// | type | what it is |
/// |---|---|
/// | [ScaledDotProduct] | softmax(q·kᵀ/√d + mask)·v |
/// | [MultiHeadAttention] | the same in several subspaces, with its projections |
/// | [AttentionMask] | who may look at whom: causal, prefix, sliding window, … |
/// | [GroupedQuery] | fewer key/value heads than query heads |
/// | [OnlineSoftmax] | softmax and weighted mean in one pass over blocks |
/// | [AttentionKernel] | grouped attention on floats, over [cached keys and values][KeyValues] |
///
/// Read them in this order. [ScaledDotProduct] is the formula that all others are held against.
package lemma.core.attention;
