package lemma.core.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lemma.core.jinja.Values.Undefined;

/// `x | name`: Jinja's filters of strings and numbers, and those of [lists][ListFilters].
final class Filters {
  private static final Pattern WORD = Pattern.compile("[^-\\s({\\[<]+");

  private final ListFilters lists;

  Filters(Operators operators, Predicates predicates) {
    lists = new ListFilters(operators, predicates, this);
  }

  Object apply(String name, Object value, Inputs inputs) {
    return switch (name) {
      case "default", "d" -> otherwise(value, inputs);
      case "tojson" -> json(value, inputs);
      case "string", "safe" -> inputs.made(text(value, inputs));
      case "trim" -> Methods.stripped(text(value, inputs), inputs, true, true);
      case "upper" -> inputs.made(text(value, inputs).toUpperCase(Locale.ROOT));
      case "lower" -> inputs.made(text(value, inputs).toLowerCase(Locale.ROOT));
      case "capitalize" -> inputs.made(PythonText.capitalize(text(value, inputs)));
      case "title" -> inputs.made(title(text(value, inputs)));
      case "replace" -> Methods.replaced(text(value, inputs), inputs);
      case "indent" -> indent(text(value, inputs), inputs);
      case "escape", "e" -> escape(text(value, inputs), inputs);
      case "int" -> integer(value, inputs);
      case "float" -> decimal(value, inputs);
      case "abs" -> abs(value, inputs);
      case "round" -> round(value, inputs);
      default -> lists.apply(name, value, inputs);
    };
  }

  private static String text(Object value, Inputs inputs) {
    return Values.text(value, inputs.line());
  }

  private static Object otherwise(Object value, Inputs inputs) {
    inputs.expect(2, "default_value", "boolean");
    boolean missing =
        value instanceof Undefined || inputs.flag(1, "boolean", false) && !Values.isTrue(value);
    return missing ? inputs.get(0, "default_value", "") : value;
  }

  /// As `json.dumps(value, ensure_ascii=False, …)`.
  private static String json(Object value, Inputs inputs) {
    inputs.expect(1, "indent", "ensure_ascii", "sort_keys", "separators");
    if (inputs.flag(9, "ensure_ascii", false)) throw inputs.error("ensure_ascii is not supported");
    Object indent = inputs.get(0, "indent", null);
    boolean sorted = inputs.flag(9, "sort_keys", false);
    String item = indent == null ? ", " : ",";
    String key = ": ";
    if (inputs.get(9, "separators", null) instanceof List<?> two && two.size() == 2) {
      item = Values.text(two.get(0), inputs.line());
      key = Values.text(two.get(1), inputs.line());
    }
    int width = indent == null ? -1 : Math.clamp(inputs.integer(0, "indent", 0), 0, 100);
    return new PythonJson(width, item, key, sorted, inputs).text(value);
  }

  /// Jinja's own: words also begin behind hyphens and brackets, and not behind apostrophes.
  private static String title(String text) {
    return WORD.matcher(text)
        .replaceAll(
            word -> java.util.regex.Matcher.quoteReplacement(PythonText.capitalize(word.group())));
  }

  private static String indent(String text, Inputs inputs) {
    inputs.expect(3, "width", "first", "blank");
    Object width = inputs.get(0, "width", 4L);
    String space =
        width instanceof String given
            ? given
            : " ".repeat(Math.clamp(inputs.integer(0, "width", 4), 0, 1000));
    boolean blank = inputs.flag(2, "blank", false);
    inputs.budget().charge((long) text.length() * (1 + space.length()), inputs.line());
    String indented =
        text.lines()
            .map(line -> line.isEmpty() && !blank ? line : space + line)
            .collect(Collectors.joining("\n"));
    if (text.endsWith("\n")) indented += "\n" + (blank ? space : "");
    boolean first = inputs.flag(1, "first", false);
    return first || !indented.startsWith(space) ? indented : indented.substring(space.length());
  }

  private static String escape(String text, Inputs inputs) {
    return inputs.made(
        text.replace("&", "&amp;")
            .replace("<", "&lt;")
            .replace(">", "&gt;")
            .replace("'", "&#39;")
            .replace("\"", "&#34;"));
  }

  private static Object integer(Object value, Inputs inputs) {
    inputs.expect(2, "default", "base");
    if (inputs.integer(1, "base", 10) != 10) throw inputs.error("only base 10 is supported");
    Object otherwise = inputs.get(0, "default", 0L);
    if (value instanceof Double number)
      return Double.isFinite(number) ? (Object) number.longValue() : otherwise;
    if (Values.isNumber(value)) return Values.integer(value);
    if (!(value instanceof String text)) return otherwise;
    try {
      return Long.valueOf(text.strip().replace("_", ""));
    } catch (NumberFormatException e) {
      Object number = decimal(text);
      return number instanceof Double d && Double.isFinite(d) ? (Object) d.longValue() : otherwise;
    }
  }

  private static Object decimal(Object value, Inputs inputs) {
    inputs.expect(1, "default");
    if (Values.isNumber(value)) return Values.decimal(value);
    Object number = value instanceof String text ? decimal(text) : null;
    return number == null ? inputs.get(0, "default", 0.0) : number;
  }

  /// `null` if it is no number.
  private static Object decimal(String text) {
    String number = text.strip().replace("_", "");
    return number.matches("[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?")
        ? (Object) Double.valueOf(number)
        : null;
  }

  private static Object abs(Object value, Inputs inputs) {
    if (value instanceof Double number) return Math.abs(number);
    if (Values.isNumber(value)) return Math.abs(Values.integer(value));
    throw inputs.error("abs needs a number, not " + Values.kind(value));
  }

  private static Object round(Object value, Inputs inputs) {
    inputs.expect(2, "precision", "method");
    if (!Values.isNumber(value))
      throw inputs.error("round needs a number, not " + Values.kind(value));
    double number = Values.decimal(value);
    if (!Double.isFinite(number)) return number;
    int precision = Math.clamp(inputs.integer(0, "precision", 0), -20, 20);
    Map<String, RoundingMode> modes =
        Map.of(
            "common", RoundingMode.HALF_EVEN,
            "ceil", RoundingMode.CEILING,
            "floor", RoundingMode.FLOOR);
    RoundingMode mode = modes.get(inputs.text(1, "method", "common"));
    if (mode == null) throw inputs.error("method must be common, ceil or floor");
    return new BigDecimal(number).setScale(precision, mode).doubleValue();
  }
}
