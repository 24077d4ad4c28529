package lemma.core.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.random.RandomGenerator;
import lemma.core.feedforward.Linear;
import lemma.core.format.FloatFormat;
import lemma.core.format.StoredTensor;
import lemma.core.norm.LayerNorm;
import lemma.core.norm.RmsNorm;
import lemma.core.tensor.Tensor;

/// The weights of a model by their names in a checkpoint, and the layers that are little else.
final class Weights {
  private Weights() {}

  /// The same weights in the same order, unmodifiable.
  ///
  /// @throws IllegalArgumentException if one is missing, unknown or has another shape
  static Map<String, Tensor> checked(Map<String, Tensor> weights, Map<String, int[]> shapes) {
    for (var wanted : shapes.entrySet()) {
      Tensor weight = weights.get(wanted.getKey());
      String expected = wanted.getKey() + " " + Arrays.toString(wanted.getValue());
      if (weight == null) throw new IllegalArgumentException("weight " + expected + " is missing");
      if (!Arrays.equals(weight.shape(), wanted.getValue()))
        throw new IllegalArgumentException(
            "weight " + expected + " has shape " + Arrays.toString(weight.shape()));
    }
    for (String name : weights.keySet())
      if (!shapes.containsKey(name))
        throw new IllegalArgumentException("weight " + name + " is unknown to this configuration");
    return Collections.unmodifiableMap(new LinkedHashMap<>(weights));
  }

  /// Every weight of a checkpoint, widened.
  static Map<String, Tensor> load(ModelCheckpoint<?> checkpoint) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    checkpoint
        .config()
        .weightShapes()
        .forEach((name, shape) ->
            weights.put(name, Tensor.ofShared(checkpoint.tensor(name).toDoubles(), shape)));
    return weights;
  }

  /// Each weight narrowed to a format, outside of the heap, where vector lanes read it fastest.
  static Function<String, StoredTensor> stored(Map<String, Tensor> weights, FloatFormat format) {
    return name -> {
      Tensor weight = weights.get(name);
      StoredTensor stored = StoredTensor.of(name, weight.data(), weight.shape(), format);
      MemorySegment bytes = Arena.ofAuto().allocate(stored.bytes().byteSize(), 64);
      return new StoredTensor(name, stored.type(), stored.shape(), bytes.copyFrom(stored.bytes()));
    };
  }

  /// The same values, each a parameter.
  static Map<String, Tensor> trainable(Map<String, Tensor> weights) {
    Map<String, Tensor> leaves = new LinkedHashMap<>();
    weights.forEach((name, weight) -> leaves.put(name, weight.parameter()));
    return leaves;
  }

  /// Parameters to train from nothing: matrices from N(0, spread²), by their names, gains 1, biases 0.
  static Map<String, Tensor> initialise(
      Map<String, int[]> shapes, ToDoubleFunction<String> spread, RandomGenerator random) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    shapes.forEach((name, shape) -> {
      Tensor weight =
          name.endsWith("bias")
              ? Tensor.zeros(shape)
              : shape.length == 1
                  ? Tensor.ones(shape)
                  : Tensor.gaussian(random, shape).mul(spread.applyAsDouble(name));
      weights.put(name, weight.parameter());
    });
    return weights;
  }

  /// `name.weight`, with `name.bias` if there is one.
  static Linear linear(Map<String, Tensor> weights, String name) {
    return new Linear(
        weights.get(name + ".weight"), Optional.ofNullable(weights.get(name + ".bias")));
  }

  static Tensor rmsNorm(Map<String, Tensor> weights, String name, double epsilon, Tensor x) {
    return new RmsNorm(weights.get(name + ".weight"), epsilon).apply(x);
  }

  static Tensor layerNorm(Map<String, Tensor> weights, String name, double epsilon, Tensor x) {
    return new LayerNorm(weights.get(name + ".weight"), weights.get(name + ".bias"), epsilon)
        .apply(x);
  }

  /// `[batch, time, heads·headDim]` as `[batch, heads, time, headDim]`.
  static Tensor heads(Tensor x, int heads) {
    return x.reshape(x.size(0), x.size(1), heads, -1).transpose(1, 2);
  }

  /// The way back.
  static Tensor joined(Tensor heads) {
    return heads.transpose(1, 2).reshape(heads.size(0), heads.size(2), -1);
  }

  /// The last position of each text, `[batch, 1, …]`.
  static Tensor last(Tensor x) {
    return x.slice(1, x.size(1) - 1, x.size(1));
  }
}
