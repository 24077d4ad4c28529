package lemma.docs.figure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import lemma.core.activation.Activation;
import lemma.core.activation.Activation.Swish;
import lemma.core.tensor.Tensor;

/// Figures of the chapter on activations.
final class ActivationFigures {
  private ActivationFigures() {}

  /// The functions themselves.
  static Figure values() {
    return new Figure.Chart(
        "Five activations. All are close to x on the right; on the left ReLU is 0, Leaky ReLU a line, ELU"
            + " levels off at −1, and GELU and SiLU dip below 0 and come back.",
        chart("f(x)", activation -> activation::apply),
        340);
  }

  /// Their derivatives: what the gradient is multiplied by.
  static Figure slopes() {
    return new Figure.Chart(
        "What each multiplies the gradient by. ReLU lets nothing through on the left; GELU and SiLU change"
            + " sign there and exceed 1 on the right.",
        chart("f′(x)", activation -> activation::derivative),
        340);
  }

  private static tools.jackson.databind.node.ObjectNode chart(
      String name, Function<Activation, Function<Tensor, Tensor>> curve) {
    Map<String, Activation> activations = new LinkedHashMap<>();
    activations.put("ReLU", new Activation.Relu());
    activations.put("Leaky ReLU, slope 0.1", new Activation.LeakyRelu(0.1));
    activations.put("ELU", new Activation.Elu(1));
    activations.put("GELU", new Activation.Gelu());
    activations.put("SiLU", Swish.SILU);
    double[] x = grid(-4, 3, 281);
    List<Charts.Line> lines = new ArrayList<>();
    activations.forEach((label, activation) ->
        lines.add(
            new Charts.Line(label, x, curve.apply(activation).apply(Tensor.vector(x)).toArray())));
    return Charts.lines(Charts.Axis.linear("x"), Charts.Axis.linear(name), lines);
  }

  /// How far the approximations of GELU are from it.
  static Figure geluGap() {
    double[] x = grid(-6, 6, 481);
    Tensor exact = new Activation.Gelu().apply(Tensor.vector(x));
    Map<String, Activation> forms = new LinkedHashMap<>();
    forms.put("tanh form", new Activation.GeluTanh());
    forms.put("x·σ(1.702x)", Swish.QUICK_GELU);
    List<Charts.Line> lines = new ArrayList<>();
    forms.forEach((label, form) -> {
      double[] gap = form.apply(Tensor.vector(x)).sub(exact).abs().toArray();
      for (int i = 0; i < gap.length; i++) if (gap[i] < 1e-9) gap[i] = Double.NaN;
      lines.add(new Charts.Line(label, x, gap));
    });
    return new Figure.Chart(
        "Distance of two approximations from the exact GELU, by powers of ten. The tanh form stays below"
            + " 0.0005, the sigmoid form reaches 0.02.",
        Charts.lines(Charts.Axis.linear("x"), Charts.Axis.log("distance from x·Φ(x)"), lines),
        340);
  }

  private static double[] grid(double first, double last, int count) {
    double[] x = new double[count];
    for (int i = 0; i < count; i++) x[i] = first + (last - first) * i / (count - 1);
    return x;
  }
}
