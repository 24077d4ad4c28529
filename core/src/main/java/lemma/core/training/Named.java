package lemma.core.training;

import java.util.Arrays;
import java.util.Map;
import lemma.core.tensor.Tensor;

/// Look-up of tensors by name, with errors that say which one is missing.
final class Named {
  private Named() {}

  static Tensor require(Map<String, Tensor> tensors, String name, String what) {
    Tensor tensor = tensors.get(name);
    if (tensor == null)
      throw new IllegalArgumentException("there is no " + what + " for parameter " + name);
    return tensor;
  }

  /// The same, and it must have the shape of the parameter.
  static Tensor like(Tensor parameter, Map<String, Tensor> tensors, String name, String what) {
    Tensor tensor = require(tensors, name, what);
    if (!Arrays.equals(tensor.shape(), parameter.shape()))
      throw new IllegalArgumentException(
          "the %s of %s has shape %s, the parameter has %s"
              .formatted(
                  what, name, Arrays.toString(tensor.shape()), Arrays.toString(parameter.shape())));
    return tensor;
  }
}
