package lemma.diffusion.model;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import lemma.core.feedforward.Linear;
import lemma.core.norm.GroupNorm;
import lemma.core.tensor.Tensor;

/// Where a network takes its named parameters from: a checkpoint, a random start, or a list of what
/// it needs.
///
/// ```
/// Conv2d.of(weights.under("conv_in"), 4, 32, 3, 1, 1)     // asks for conv_in.weight and conv_in.bias
/// ```
///
/// A network is written once, as code that asks for its parameters by name and shape; which
/// parameters it has, how they start and how they are loaded all follow from that.
@FunctionalInterface
public interface Weights {

  /// The parameter of this name, in this shape.
  ///
  /// @throws IllegalArgumentException if there is none, or its shape is another
  Tensor get(String name, int... shape);

  /// The same parameters, with `scope.` in front of every name.
  default Weights under(String scope) {
    return (name, shape) -> get(scope + "." + name, shape);
  }

  /// An affine map of rows: asks for `weight` and `bias` under this name.
  default Linear linear(String name, int in, int out) {
    Weights own = under(name);
    return new Linear(own.get("weight", out, in), own.get("bias", out));
  }

  /// A normalisation of groups of channels: asks for `weight` and `bias` under this name.
  default GroupNorm groupNorm(String name, int groups, int channels, double epsilon) {
    Weights own = under(name);
    return new GroupNorm(groups, own.get("weight", channels), own.get("bias", channels), epsilon);
  }

  /// The parameters of a map.
  static Weights of(Map<String, Tensor> tensors) {
    return (name, shape) -> {
      Tensor tensor = tensors.get(name);
      if (tensor == null) throw new IllegalArgumentException("tensor " + name + " is missing");
      if (!Arrays.equals(tensor.shape(), shape)) {
        throw new IllegalArgumentException(
            "tensor %s must have shape %s, was %s"
                .formatted(name, Arrays.toString(shape), Arrays.toString(tensor.shape())));
      }
      return tensor;
    };
  }

  /// Names and shapes of all parameters that a network asks for, in its order.
  static Map<String, int[]> shapesOf(Consumer<Weights> network) {
    Map<String, int[]> shapes = new LinkedHashMap<>();
    network.accept((name, shape) -> {
      if (shapes.put(name, shape.clone()) != null) {
        throw new IllegalArgumentException("tensor " + name + " is asked for twice");
      }
      return Tensor.zeros(shape);
    });
    return shapes;
  }

  /// Names and shapes of parameters that are there.
  static Map<String, int[]> shapesOf(Map<String, Tensor> tensors) {
    Map<String, int[]> shapes = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    return shapes;
  }

  /// A start: each matrix and kernel uniform in ±1/√fanIn, each gain 1, each bias 0.
  ///
  /// The bound keeps the variance of activations near a third of that of the inputs (LeCun 1998); a
  /// tensor of rank 1 named `weight` is the gain of a normalisation.
  static Map<String, Tensor> initial(Map<String, int[]> shapes, RandomGenerator random) {
    Map<String, Tensor> start = new LinkedHashMap<>();
    shapes.forEach((name, shape) -> start.put(name, initial(name, shape, random)));
    return start;
  }

  private static Tensor initial(String name, int[] shape, RandomGenerator random) {
    if (shape.length == 1)
      return name.endsWith("weight") ? Tensor.ones(shape) : Tensor.zeros(shape);
    int fanIn = 1;
    for (int axis = 1; axis < shape.length; axis++) fanIn *= shape[axis];
    double bound = 1 / Math.sqrt(fanIn);
    return Tensor.uniform(-bound, bound, random, shape);
  }

  /// Refuses a checkpoint that is not exactly what the network asks for.
  ///
  /// @throws IllegalArgumentException that names the first missing, unknown or misshapen tensor
  static void check(Map<String, Tensor> tensors, Map<String, int[]> shapes) {
    Weights weights = of(tensors);
    shapes.forEach(weights::get);
    var unknown = new TreeSet<>(tensors.keySet());
    unknown.removeAll(shapes.keySet());
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "tensor %s is unknown to the model%s"
              .formatted(
                  unknown.first(),
                  unknown.size() == 1 ? "" : ", and " + (unknown.size() - 1) + " more"));
    }
  }
}
