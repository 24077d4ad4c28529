/// Attention: which tokens look at which, and what they take from them.
///
/// | type | what it is |
/// |---|---|
/// | [ScaledDotProduct] | softmax(q·kᵀ/√d + mask)·v |
/// | [MultiHeadAttention] | the same in several subspaces, with its projections |
/// | [AttentionMask] | who may look at whom: causal, prefix, sliding window, … |
/// | [GroupedQuery] | fewer key/value heads than query heads |
/// | [CrossAttention] | queries from one sequence, keys and values from another |
/// | [MultiHeadLatent] | keys and values of all heads from one cached vector |
/// | [LearnedSink] | a logit in each softmax for "none of them" |
/// | [OnlineSoftmax] | softmax and weighted mean in one pass over blocks |
/// | [FlashAttention] | the same for blocks of queries, with its [gradient][FlashAttentionGradient] |
/// | [AttentionKernel] | grouped attention on floats, over [cached keys and values][KeyValues] |
///
/// Read them in this order. [ScaledDotProduct] is the formula that all others are held against.
package lemma.core.attention;
