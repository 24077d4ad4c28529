package lemma.core.tensor;

import java.util.LinkedHashMap;
import java.util.Map;

/// The gradients of one scalar with respect to every parameter that it depends on.
///
/// A value like any other: gradients of several micro-batches are added with [#plus], also when
/// they were computed by several threads.
public final class Gradients {
  private final Map<Node, double[]> byLeaf;

  Gradients(Map<Node, double[]> byLeaf) {
    this.byLeaf = byLeaf;
  }

  /// The gradient for a parameter, in its shape; zeros if the scalar does not depend on it.
  ///
  /// @throws IllegalArgumentException if the tensor is not a [parameter][Tensor#parameter]
  public Tensor of(Tensor parameter) {
    if (parameter.node == null || !parameter.node.isLeaf()) {
      throw new IllegalArgumentException(
          "gradients are kept for parameters only, and this "
              + (parameter.node == null ? "constant " : "intermediate result ")
              + Shape.text(parameter.shape)
              + " is none");
    }
    double[] gradient = byLeaf.get(parameter.node);
    return gradient == null
        ? Tensor.zeros(parameter.shape)
        : new Tensor(gradient, parameter.shape, null);
  }

  /// The sum of both, parameter by parameter.
  public Gradients plus(Gradients other) {
    Map<Node, double[]> sums = new LinkedHashMap<>(byLeaf);
    other.byLeaf.forEach((leaf, added) -> sums.merge(leaf, added, Gradients::sum));
    return new Gradients(sums);
  }

  /// All gradients multiplied by a factor: an average over micro-batches, or clipping.
  public Gradients times(double factor) {
    Map<Node, double[]> scaled = new LinkedHashMap<>();
    byLeaf.forEach((leaf, gradient) -> scaled.put(leaf, scaled(gradient, factor)));
    return new Gradients(scaled);
  }

  /// The Euclidean norm over all parameters together, √(Σ g²), as clipping needs it.
  public double norm() {
    double squares = 0;
    for (double[] gradient : byLeaf.values()) {
      for (double g : gradient) squares += g * g;
    }
    return Math.sqrt(squares);
  }

  private static double[] sum(double[] a, double[] b) {
    double[] sum = new double[a.length];
    for (int i = 0; i < sum.length; i++) sum[i] = a[i] + b[i];
    return sum;
  }

  private static double[] scaled(double[] a, double factor) {
    double[] scaled = new double[a.length];
    for (int i = 0; i < scaled.length; i++) scaled[i] = a[i] * factor;
    return scaled;
  }
}
