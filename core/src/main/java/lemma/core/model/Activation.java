package lemma.core.model;

import java.util.Optional;
import lemma.core.tensor.Tensor;

/// The non-linearity of a feed-forward layer, by its names in a `config.json`.
public enum Activation {
  RELU("relu"),
  /// With the error function.
  GELU("gelu"),
  /// With the hyperbolic tangent, as GPT-2 and T5 v1.1 have it.
  GELU_TANH("gelu_new", "gelu_pytorch_tanh"),
  SILU("silu", "swish");

  private final String[] names;

  Activation(String... names) {
    this.names = names;
  }

  public Tensor apply(Tensor x) {
    return switch (this) {
      case RELU -> x.relu();
      case GELU -> x.gelu();
      case GELU_TANH -> x.geluTanh();
      case SILU -> x.silu();
    };
  }

  /// The activation of that name, if it is one of these.
  public static Optional<Activation> named(String name) {
    for (Activation activation : values())
      for (String each : activation.names) if (each.equals(name)) return Optional.of(activation);
    return Optional.empty();
  }
}
