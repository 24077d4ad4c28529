package lemma.proof;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import lemma.core.tensor.Tensor;
import tools.jackson.databind.JsonNode;

/// One case of a golden family: `params`, `inputs` and `expected` of a reference implementation.
///
/// A value passes when |got − expected| ≤ abs + rel·|expected| with the family's tolerance;
/// infinities must be equal.
public final class GoldenCase {
  private final JsonNode node;
  private final double absolute;
  private final double relative;

  GoldenCase(JsonNode node, JsonNode family) {
    this.node = node;
    JsonNode tolerance = node.has("tolerance") ? node.get("tolerance") : family.get("tolerance");
    absolute = tolerance.path("abs").asDouble(0);
    relative = tolerance.path("rel").asDouble(0);
  }

  public String name() {
    return node.path("name").asString("unnamed");
  }

  @Override
  public String toString() {
    return name();
  }

  public JsonNode params() {
    return node.path("params");
  }

  public JsonNode inputs() {
    return node.path("inputs");
  }

  public JsonNode expected() {
    return node.path("expected");
  }

  /// A number among the parameters.
  public double number(String param) {
    return number(required(params(), param));
  }

  public int integer(String param) {
    return required(params(), param).asInt();
  }

  public boolean flag(String param) {
    return required(params(), param).asBoolean();
  }

  public String text(String param) {
    return required(params(), param).asString();
  }

  /// An input array with its shape.
  public Tensor tensor(String input) {
    return tensor(required(inputs(), input));
  }

  public double[] doubles(String input) {
    return numbers(required(inputs(), input));
  }

  public float[] floats(String input) {
    double[] values = doubles(input);
    float[] result = new float[values.length];
    for (int i = 0; i < values.length; i++) result[i] = (float) values[i];
    return result;
  }

  public int[] ints(String input) {
    return Arrays.stream(doubles(input)).mapToInt(value -> (int) value).toArray();
  }

  /// An array `{shape, data}` of any part of the case as a tensor.
  public static Tensor tensor(JsonNode array) {
    return Tensor.of(numbers(array), shape(array));
  }

  public static int[] shape(JsonNode array) {
    return required(array, "shape").valueStream().mapToInt(JsonNode::asInt).toArray();
  }

  /// The numbers of `{shape, data}` or of a plain list, flat; of one number, that number.
  public static double[] numbers(JsonNode array) {
    if (array.isObject()) return numbers(required(array, "data"));
    if (array.isArray()) return array.valueStream().mapToDouble(GoldenCase::number).toArray();
    return new double[] {number(array)};
  }

  private static double number(JsonNode value) {
    return value.isString() ? Double.parseDouble(value.asString()) : value.asDouble();
  }

  private static JsonNode required(JsonNode parent, String name) {
    JsonNode child = parent.get(name);
    if (child == null)
      throw new IllegalArgumentException("golden case has no " + name + " among " + parent);
    return child;
  }

  public void expect(String key, Tensor actual, Proof proof) {
    JsonNode node = required(expected(), key);
    if (node.isObject()) assertThat(actual.shape()).as(name() + ": " + key).isEqualTo(shape(node));
    expect(key, actual.toArray(), proof);
  }

  public void expect(String key, double actual, Proof proof) {
    expect(key, new double[] {actual}, proof);
  }

  public void expect(String key, float[] actual, Proof proof) {
    double[] values = new double[actual.length];
    for (int i = 0; i < values.length; i++) values[i] = actual[i];
    expect(key, values, proof);
  }

  /// Requires every number to lie within the family's tolerance and records the worst.
  public void expect(String key, double[] actual, Proof proof) {
    compare(key, actual, numbers(required(expected(), key)), absolute, relative, proof);
  }

  public void expect(String key, int[] actual) {
    int[] wanted =
        Arrays.stream(numbers(required(expected(), key))).mapToInt(value -> (int) value).toArray();
    assertThat(actual).as(name() + ": " + key).isEqualTo(wanted);
  }

  /// Requires every number to lie within a wider tolerance: for a float32 form held against
  /// float64 numbers. Say why at the call.
  public void expect(String key, float[] actual, double absolute, double relative, Proof proof) {
    double[] values = new double[actual.length];
    for (int i = 0; i < values.length; i++) values[i] = actual[i];
    compare(key, values, numbers(required(expected(), key)), absolute, relative, proof);
  }

  private void compare(
      String key, double[] actual, double[] wanted, double absolute, double relative, Proof proof) {
    assertThat(actual).as(name() + ": " + key).hasSameSizeAs(wanted);
    double worst = 0;
    for (int i = 0; i < wanted.length; i++) {
      if (actual[i] == wanted[i] || Double.isNaN(actual[i]) && Double.isNaN(wanted[i])) continue;
      double gap = Math.abs(actual[i] - wanted[i]);
      worst = Math.max(worst, gap);
      assertThat(gap <= absolute + relative * Math.abs(wanted[i]))
          .as("%s: %s[%d] is %s, the reference has %s", name(), key, i, actual[i], wanted[i])
          .isTrue();
    }
    proof.measured("max |Δ| to the reference", worst);
  }
}
