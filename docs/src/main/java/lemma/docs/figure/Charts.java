package lemma.docs.figure;

import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Options of ECharts for the kinds of chart that the handbook uses.
public final class Charts {
  private static final JsonMapper JSON = JsonMapper.shared();

  /// One line of a chart: `y[i]` over `x[i]`.
  public record Line(String name, double[] x, double[] y) {
    public Line {
      if (x.length != y.length)
        throw new IllegalArgumentException(
            "x and y of line %s must be equally long, were %d and %d"
                .formatted(name, x.length, y.length));
    }
  }

  /// One colour of bars: a value for each category; NaN leaves a gap.
  public record Bars(String name, double[] values) {}

  /// An axis: what it measures, and whether by powers of ten.
  public record Axis(String name, boolean logarithmic) {
    public static Axis linear(String name) {
      return new Axis(name, false);
    }

    public static Axis log(String name) {
      return new Axis(name, true);
    }
  }

  private Charts() {}

  /// Lines over a common axis of numbers.
  public static ObjectNode lines(Axis x, Axis y, List<Line> lines) {
    ObjectNode option = frame(lines.stream().map(Line::name).toList(), axis(x), axis(y));
    option.withObject("/xAxis").put("nameGap", 28).put("max", "dataMax");
    for (Line line : lines) {
      ObjectNode series = series(option, line.name(), "line");
      series.put("showSymbol", line.x().length <= 20);
      ArrayNode data = series.putArray("data");
      for (int i = 0; i < line.x().length; i++)
        data.addArray().add(number(line.x()[i])).add(number(line.y()[i]));
    }
    return option;
  }

  /// Points, a colour for each cloud of them.
  public static ObjectNode points(Axis x, Axis y, List<Line> clouds) {
    ObjectNode option = lines(x, y, clouds);
    for (var series : option.withArray("/series"))
      ((ObjectNode) series).put("type", "scatter").put("symbolSize", 9);
    option.withObject("/tooltip").put("trigger", "item");
    return option;
  }

  /// Groups of bars, one group a category.
  ///
  /// @throws IllegalArgumentException if a colour has not one value for each category
  public static ObjectNode bars(String x, List<String> categories, Axis y, List<Bars> bars) {
    ObjectNode categoryAxis = axis(Axis.linear(x)).put("type", "category");
    ArrayNode names = categoryAxis.putArray("data");
    categories.forEach(names::add);
    ObjectNode option = frame(bars.stream().map(Bars::name).toList(), categoryAxis, axis(y));
    double least = Double.POSITIVE_INFINITY;
    for (Bars colour : bars) {
      if (colour.values().length != categories.size())
        throw new IllegalArgumentException(
            "bars %s must have %d values, had %d"
                .formatted(colour.name(), categories.size(), colour.values().length));
      ObjectNode series = series(option, colour.name(), "bar");
      series.put("barMaxWidth", 28);
      ArrayNode data = series.putArray("data");
      for (double value : colour.values()) {
        data.add(number(value));
        if (value > 0) least = Math.min(least, value);
      }
    }
    if (y
        .logarithmic()) // a bar on a logarithmic axis needs a floor: a power of ten below the least
    option.withObject("/yAxis").put("min", Math.pow(10, Math.floor(Math.log10(least) - 0.1)));
    return option;
  }

  /// `count` numbers from `first` to `last`, each the same multiple of the one before.
  static double[] geometric(double first, double last, int count) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++)
      values[i] = first * Math.pow(last / first, (double) i / (count - 1));
    return values;
  }

  private static ObjectNode frame(List<String> legend, ObjectNode x, ObjectNode y) {
    ObjectNode option = JSON.createObjectNode();
    option.put("animation", false);
    ObjectNode box = option.putObject("legend").put("type", "scroll").put("top", 0);
    box.put("show", legend.size() > 1);
    option.putObject("tooltip").put("trigger", "axis").put("confine", true);
    option
        .putObject("grid")
        .put("left", 8)
        .put("right", 24)
        .put("top", legend.size() > 1 ? 52 : 28)
        .put("bottom", 32)
        .put("containLabel", true);
    option.set("xAxis", x.put("nameLocation", "middle"));
    option.set("yAxis", y.put("nameLocation", "end"));
    y.putObject("nameTextStyle").put("align", "left");
    option.putArray("series");
    return option;
  }

  private static ObjectNode axis(Axis axis) {
    return JSON.createObjectNode()
        .put("name", axis.name())
        .put("type", axis.logarithmic() ? "log" : "value")
        .put("nameGap", 16);
  }

  private static ObjectNode series(ObjectNode option, String name, String type) {
    return option.withArray("/series").addObject().put("name", name).put("type", type);
  }

  /// Six digits are more than a pixel can show; what is no number is a gap.
  private static tools.jackson.databind.JsonNode number(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) return JSON.getNodeFactory().nullNode();
    if (value == 0) return JSON.getNodeFactory().numberNode(0);
    return JSON.getNodeFactory()
        .numberNode(
            new java.math.BigDecimal(value).round(new java.math.MathContext(6)).doubleValue());
  }
}
