package lemma.core.tensor;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/// Operations whose backward step is written by the caller, on tensors.
final class Custom {
  private Custom() {}

  static Tensor of(Tensor value, Function<Tensor, List<Tensor>> backward, Tensor... inputs) {
    return Node.result(
        value.data,
        value.shape,
        (g, into) -> {
          List<Tensor> gradients = backward.apply(new Tensor(g, value.shape, null));
          if (gradients.size() != inputs.length) {
            throw new IllegalArgumentException(
                "custom operation: "
                    + inputs.length
                    + " inputs, but "
                    + gradients.size()
                    + " gradients");
          }
          for (int i = 0; i < inputs.length; i++) {
            Tensor gradient = gradients.get(i);
            if (into[i] == null || gradient == null) continue;
            if (!Arrays.equals(gradient.shape, inputs[i].shape)) {
              throw new IllegalArgumentException(
                  "custom operation: gradient "
                      + Shape.text(gradient.shape)
                      + " of input "
                      + i
                      + " must have its shape "
                      + Shape.text(inputs[i].shape));
            }
            for (int k = 0; k < into[i].length; k++) into[i][k] += gradient.data[k];
          }
        },
        inputs);
  }
}
