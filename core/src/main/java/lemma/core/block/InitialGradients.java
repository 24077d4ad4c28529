package lemma.core.block;

import java.util.random.RandomGenerator;
import lemma.core.norm.NormPlacement;
import lemma.core.tensor.Tensor;

/// How much gradient arrives at both ends of a [TransformerStack] before the first step of training.
///
/// The gradient is that of a random direction of the output, and its length is taken over all
/// matrices of a block. Single starts differ by a factor of two, so it is the geometric mean over
/// several.
///
/// @param first at the block that reads the input
/// @param last at the block behind which the output stands
public record InitialGradients(double first, double last) {
  private static final int TOKENS = 4;
  private static final int HEADS = 2;

  /// Measures stacks with Xavier's initial weights.
  ///
  /// @throws IllegalArgumentException if `layers` or `starts` is not positive, or `dim` is odd
  public static InitialGradients of(
      int layers, int dim, NormPlacement placement, int starts, RandomGenerator random) {
    if (starts < 1) throw new IllegalArgumentException("starts must be positive, was " + starts);
    double first = 0;
    double last = 0;
    for (int start = 0; start < starts; start++) {
      var stack = TransformerStack.initial(layers, dim, HEADS, placement, 1, random);
      Tensor y = stack.apply(Tensor.gaussian(random, TOKENS, dim));
      double[] norms = stack.gradientNorms(y.backward(Tensor.gaussian(random, TOKENS, dim)));
      first += Math.log(norms[0]) / starts;
      last += Math.log(norms[layers - 1]) / starts;
    }
    return new InitialGradients(Math.exp(first), Math.exp(last));
  }
}
