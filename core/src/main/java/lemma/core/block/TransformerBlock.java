package lemma.core.block;

import java.util.List;
import java.util.random.RandomGenerator;
import lemma.core.activation.Activation;
import lemma.core.attention.MultiHeadAttention;
import lemma.core.feedforward.FeedForward;
import lemma.core.feedforward.Linear;
import lemma.core.norm.DeepNorm;
import lemma.core.norm.NormPlacement;
import lemma.core.tensor.Tensor;

/// A layer of a transformer: tokens look at each other, then each thinks by itself.
///
/// ```
/// h = around_attention(x, Attention)
/// y = around_feedForward(h, FeedForward)
/// ```
///
/// | symbol | shape |
/// |---|---|
/// | `x`, `h`, `y` | `[tokens, dim]` |
///
/// Vaswani et al. 2017, section 3.1, arXiv:1706.03762. Answer: `norm/norm-placement.md`.
public record TransformerBlock(
    MultiHeadAttention attention,
    FeedForward feedForward,
    NormPlacement aroundAttention,
    NormPlacement aroundFeedForward) {

  /// @throws IllegalArgumentException if attention and feed-forward have another width
  public TransformerBlock {
    if (attention.outBias().size(0) != feedForward.up().in())
      throw new IllegalArgumentException(
          "attention of width %d and feedForward of width %d must have one width"
              .formatted(attention.outBias().size(0), feedForward.up().in()));
  }

  /// A layer to begin training with: matrices N(0, 2/(in + out)), after Glorot & Bengio 2010; those
  /// that a [DeepNorm] scales are multiplied by β (1 for any other model). The feed-forward layer is
  /// four times as wide and has a ReLU; biases are 0.
  ///
  /// @throws IllegalArgumentException if the heads do not divide the width
  public static TransformerBlock initial(
      int dim, int heads, NormPlacement placement, double beta, RandomGenerator random) {
    var plain = new DeepNorm(1, 1);
    var scaled = new DeepNorm(1, beta);
    Tensor in =
        Tensor.concat(
            0,
            plain.initial(dim, dim, random),
            plain.initial(dim, dim, random),
            scaled.initial(dim, dim, random)); // q, k, v
    var attention =
        new MultiHeadAttention(
            heads,
            in.parameter(),
            Tensor.zeros(3 * dim),
            scaled.initial(dim, dim, random).parameter(),
            Tensor.zeros(dim));
    var feedForward =
        new FeedForward(
            new Activation.Relu(),
            new Linear(scaled.initial(4 * dim, dim, random).parameter()),
            new Linear(scaled.initial(dim, 4 * dim, random).parameter()));
    return new TransformerBlock(attention, feedForward, placement, placement);
  }

  /// `x [tokens, dim]` → the same shape; 1 in `hidden`, which broadcasts to `[tokens, tokens]`,
  /// where a token must not look.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit
  public Tensor apply(Tensor x, Tensor hidden) {
    Tensor h = aroundAttention.apply(x, rows -> attention.apply(rows, rows, rows, hidden).output());
    return aroundFeedForward.apply(h, feedForward::apply);
  }

  /// The matrices: q, k and v in one, out, up and down.
  public List<Tensor> matrices() {
    return List.of(
        attention.inWeight(),
        attention.outWeight(),
        feedForward.up().weight(),
        feedForward.down().weight());
  }

  /// The same layer with other matrices, in the order of [#matrices].
  public TransformerBlock withMatrices(List<Tensor> matrices) {
    return new TransformerBlock(
        new MultiHeadAttention(
            attention.heads(),
            matrices.get(0),
            attention.inBias(),
            matrices.get(1),
            attention.outBias()),
        new FeedForward(
            feedForward.activation(),
            new Linear(matrices.get(2), feedForward.up().bias()),
            new Linear(matrices.get(3), feedForward.down().bias())),
        aroundAttention,
        aroundFeedForward);
  }
}
