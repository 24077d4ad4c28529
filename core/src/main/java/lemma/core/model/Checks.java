package lemma.core.model;

import java.nio.file.Path;
import lemma.core.activation.Activation;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;

/// What every configuration is held against.
final class Checks {
  private Checks() {}

  /// @throws IllegalArgumentException if a size is not positive
  static void positive(String name, int value) {
    if (value <= 0) throw new IllegalArgumentException(name + " must be positive, was " + value);
  }

  /// @throws IllegalArgumentException if `hiddenSize` times the widest of the others is 2³¹ or more:
  ///     too large for one matrix
  static void matrices(int hiddenSize, long... others) {
    for (long other : others)
      if (other > Integer.MAX_VALUE / hiddenSize)
        throw new IllegalArgumentException(
            "hiddenSize %d times %d is too large for one matrix".formatted(hiddenSize, other));
  }

  /// @throws IllegalArgumentException if `heads` are not positive or do not divide `hiddenSize`
  static void headsDivide(int heads, int hiddenSize) {
    if (heads <= 0 || hiddenSize % heads != 0)
      throw new IllegalArgumentException(
          "heads must divide hiddenSize, were %d and %d".formatted(heads, hiddenSize));
  }

  /// @throws IllegalArgumentException if ε is outside [0, 1)
  static void epsilon(double epsilon) {
    if (!(epsilon >= 0 && epsilon < 1))
      throw new IllegalArgumentException("epsilon must be in [0, 1), was " + epsilon);
  }

  /// @throws IllegalArgumentException if that many tokens after `start` exceed the context
  static void fits(int tokens, int start, int contextLength) {
    if (tokens > contextLength - start)
      throw new IllegalArgumentException(
          "%d tokens after %d exceed the context of %d".formatted(tokens, start, contextLength));
  }

  /// @throws IllegalArgumentException if `logits` cannot hold a row for each token
  static void logits(float[] logits, int tokens, int vocabularySize) {
    if (logits.length < (long) tokens * vocabularySize)
      throw new IllegalArgumentException(
          "logits of %d tokens need %d × %d numbers, the array has %d"
              .formatted(tokens, tokens, vocabularySize, logits.length));
  }

  /// @throws FormatException if a member is there and says something else than `expected`
  static void require(JsonFile json, String name, String expected) {
    if (json.has(name) && !json.text(name).equals(expected))
      throw new FormatException(
          json.file(),
          "%s %s is not supported, only %s".formatted(name, json.text(name), expected));
  }

  /// @throws FormatException if a flag is there and has the other value
  static void require(JsonFile json, String name, boolean expected) {
    if (json.flag(name, expected) != expected)
      throw new FormatException(json.file(), "%s must be %s".formatted(name, expected));
  }

  /// The non-linearity that a member names, `otherwise` if it is not there.
  ///
  /// @throws FormatException if it is not supported
  static Activation activation(JsonFile json, String member, String otherwise) {
    return activation(json.file(), json.has(member) ? json.text(member) : otherwise);
  }

  /// The non-linearity of that name.
  ///
  /// @throws FormatException if it is not supported
  static Activation activation(Path file, String name) {
    return switch (name) {
      case "relu" -> new Activation.Relu();
      case "gelu" -> new Activation.Gelu();
      case "gelu_new", "gelu_pytorch_tanh" -> new Activation.GeluTanh();
      case "silu", "swish" -> Activation.Swish.SILU;
      case "quick_gelu" -> Activation.Swish.QUICK_GELU;
      default -> throw new FormatException(file, "activation %s is not supported".formatted(name));
    };
  }
}
