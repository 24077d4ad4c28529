package lemma.sampling.filter;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/// [Temperature] and softmax on ND4J, for T > 0.
public record TemperatureNd4j(double temperature) {

  /// @throws IllegalArgumentException if `temperature` is not positive and finite
  public TemperatureNd4j {
    if (!(temperature > 0 && temperature < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("temperature must be positive, was " + temperature);
  }

  /// softmax(x / T) of `logits [V]` or of each row of `[rows, V]`; the caller closes the result.
  public INDArray apply(INDArray logits) {
    INDArray scaled = logits.div(temperature);
    return Transforms.softmax(scaled, false);
  }
}
