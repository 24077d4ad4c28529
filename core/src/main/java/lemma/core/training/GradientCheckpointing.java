package lemma.core.training;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import lemma.core.tensor.Gradients;
import lemma.core.tensor.Tensor;

/// Keeps only the inputs of a block, and computes the block again when its gradient is asked for.
///
/// ```
/// forward    y = block(x)                      the tape inside is dropped
/// backward   y = block(x) again, with a tape   dx = (∂y/∂x)ᵀ·dy
/// ```
///
/// Memory for the time of one more forward pass, which is about a third of forward and backward
/// together. The block must be a function of its inputs alone: dropout has to draw the same numbers
/// again.
///
/// Chen et al. 2016, arXiv:1604.06174. Answer: `training/optimisation.md`.
public final class GradientCheckpointing {
  private GradientCheckpointing() {}

  /// The block's value, with a tape of one step.
  ///
  /// @param block a function of all tensors that need a gradient through it: activations and weights
  public static Tensor apply(Function<List<Tensor>, Tensor> block, Tensor... inputs) {
    List<Tensor> constants = Arrays.stream(inputs).map(Tensor::detach).toList();
    return Tensor.custom(
        block.apply(constants),
        seed -> {
          List<Tensor> leaves = constants.stream().map(Tensor::parameter).toList();
          Gradients gradients = block.apply(leaves).backward(seed);
          return leaves.stream().map(gradients::of).toList();
        },
        inputs);
  }
}
