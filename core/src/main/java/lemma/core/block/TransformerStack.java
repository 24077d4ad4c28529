package lemma.core.block;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import lemma.core.norm.LayerNorm;
import lemma.core.norm.NormPlacement;
import lemma.core.tensor.Gradients;
import lemma.core.tensor.Tensor;

/// Layers of a transformer on each other, in which every token sees every other: what depth does to
/// activations and gradients can be measured on it.
///
/// ```
/// x₀ → block₁ → … → block_L → finalNorm
/// ```
///
/// @param finalNorm the identity where the blocks end in a norm of their own
public record TransformerStack(List<TransformerBlock> blocks, UnaryOperator<Tensor> finalNorm) {

  /// @throws IllegalArgumentException if there is no block
  public TransformerStack {
    blocks = List.copyOf(blocks);
    if (blocks.isEmpty()) throw new IllegalArgumentException("blocks must be one or more");
  }

  /// A stack to begin training with: see [TransformerBlock#initial].
  ///
  /// @throws IllegalArgumentException if `layers` is not positive or the heads do not divide the
  ///     width
  public static TransformerStack initial(
      int layers,
      int dim,
      int heads,
      NormPlacement placement,
      double beta,
      RandomGenerator random) {
    List<TransformerBlock> blocks = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++)
      blocks.add(TransformerBlock.initial(dim, heads, placement, beta, random));
    UnaryOperator<Tensor> finalNorm =
        switch (placement) {
          case NormPlacement.Pre _, NormPlacement.Sandwich _ -> LayerNorm.plain(dim, 1e-5)::apply;
          case NormPlacement.Post _, NormPlacement.Deep _ -> UnaryOperator.identity();
        };
    return new TransformerStack(blocks, finalNorm);
  }

  /// `x [tokens, dim]` → the same shape.
  public Tensor apply(Tensor x) {
    return finalNorm.apply(stream(x));
  }

  /// The residual stream behind the last block, before the final norm.
  public Tensor stream(Tensor x) {
    for (TransformerBlock block : blocks) x = block.apply(x, Tensor.zeros(1, 1));
    return x;
  }

  /// The length of the gradient of each block's matrices, taken together.
  public double[] gradientNorms(Gradients gradients) {
    return blocks.stream()
        .mapToDouble(block ->
            Math.sqrt(
                block.matrices().stream()
                    .mapToDouble(matrix -> gradients.of(matrix).square().sum().item())
                    .sum()))
        .toArray();
  }

  /// The stack after one step: every matrix W becomes W − step(gradient of W).
  public TransformerStack stepped(Gradients gradients, UnaryOperator<Tensor> step) {
    List<TransformerBlock> moved = new ArrayList<>();
    for (TransformerBlock block : blocks)
      moved.add(
          block.withMatrices(
              block.matrices().stream()
                  .map(matrix -> matrix.detach().sub(step.apply(gradients.of(matrix))))
                  .toList()));
    return new TransformerStack(moved, finalNorm);
  }
}
