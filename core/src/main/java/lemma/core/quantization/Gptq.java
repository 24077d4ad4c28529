package lemma.core.quantization;

import java.util.Comparator;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;

/// Rounding column by column, where the columns still to come are moved so that the layer's outputs
/// stay as they were.
///
/// ```
/// minimise  ‖X·Wᵀ − X·Ŵᵀ‖²        H = 2·Xᵀ·X/n + λ·I,  λ = dampening · mean(diag H)
/// H⁻¹ = Uᵀ·U,  U upper triangular
/// for each column i:   ŵᵢ = round(wᵢ)        wₖ ← wₖ − (wᵢ − ŵᵢ)/Uᵢᵢ · Uᵢₖ   for k > i
/// ```
///
/// Row i of U holds what is needed of the inverse Hessian of the columns i and later: the best change
/// of the others once column i is fixed (optimal brain surgeon). It does not depend on the rows of
/// W, so that all rows share one factorisation.
///
/// The scale and zero of a group are set when its first column is reached, from the weights as they
/// are by then.
///
/// Frantar et al. 2023, algorithm 1, arXiv:2210.17323. Answer: `quantization/gptq.md`.
///
/// @param dampening added to the diagonal, relative to its mean; 0.01 in the paper
/// @param activationOrder whether columns with large inputs go first, when most others are still free
public record Gptq(GroupQuantiser quantiser, double dampening, boolean activationOrder) {

  /// @throws IllegalArgumentException if `dampening` is negative or NaN
  public Gptq {
    if (!(dampening >= 0))
      throw new IllegalArgumentException("dampening must be 0 or more, was " + dampening);
  }

  /// Quantises `weight [out, in]` for inputs like `inputs [samples, in]` and returns what the levels
  /// stand for.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit, or the Hessian cannot be inverted:
  ///     with fewer samples than columns it needs `dampening`
  public Tensor quantise(Tensor weight, Tensor inputs) {
    GroupQuantiser.checkInputs(weight, inputs);
    int in = weight.size(1);
    int out = weight.size(0);
    double[][] hessian = hessian(inputs);
    int[] order = order(hessian);
    double[][] u = Cholesky.upper(Cholesky.inverse(permuted(hessian, order)));
    double[] w = weight.toArray();
    GroupQuantiser.Grid[] grids = new GroupQuantiser.Grid[out];
    for (int i = 0; i < in; i++)
      for (int row = 0; row < out; row++) {
        int at = row * in;
        if (i % quantiser.groupSize() == 0) grids[row] = grid(w, at, order, i);
        double before = w[at + order[i]];
        double after = grids[row].round(before);
        w[at + order[i]] = after;
        double error = (before - after) / u[i][i];
        for (int k = i + 1; k < in; k++) w[at + order[k]] -= error * u[i][k];
      }
    return Tensor.ofShared(w, out, in);
  }

  private double[][] hessian(Tensor inputs) {
    int in = inputs.size(1);
    Tensor product = inputs.transpose(0, 1).matmul(inputs).mul(2.0 / inputs.size(0));
    double[][] hessian = new double[in][in];
    double trace = 0;
    for (int i = 0; i < in; i++) {
      System.arraycopy(product.data(), i * in, hessian[i], 0, in);
      trace += hessian[i][i];
    }
    for (int i = 0; i < in; i++) hessian[i][i] += dampening * trace / in;
    return hessian;
  }

  private int[] order(double[][] hessian) {
    IntStream columns = IntStream.range(0, hessian.length);
    if (!activationOrder) return columns.toArray();
    return columns
        .boxed()
        .sorted(Comparator.comparingDouble((Integer j) -> -hessian[j][j]))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static double[][] permuted(double[][] matrix, int[] order) {
    int n = order.length;
    double[][] result = new double[n][n];
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) result[i][j] = matrix[order[i]][order[j]];
    return result;
  }

  /// The grid of the group that begins at place `i` of the order, for the row at `at`.
  private GroupQuantiser.Grid grid(double[] w, int at, int[] order, int i) {
    double[] group = new double[Math.min(quantiser.groupSize(), order.length - i)];
    for (int k = 0; k < group.length; k++) group[k] = w[at + order[i + k]];
    return quantiser.grid(group);
  }
}
