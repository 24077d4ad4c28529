package lemma.core.jinja;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// JSON as Python's `json.dumps` writes it, which is what models have seen: with a space behind
/// commas and colons, and every character above ASCII as it is.
final class PythonJson {
  private static final int DEEPEST = 100;

  private final int indent; // −1 for one line
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean sorted;
  private final Inputs inputs;
  private final StringBuilder out = new StringBuilder();

  PythonJson(int indent, String itemSeparator, String keySeparator, boolean sorted, Inputs inputs) {
    this.indent = indent;
    this.itemSeparator = itemSeparator;
    this.keySeparator = keySeparator;
    this.sorted = sorted;
    this.inputs = inputs;
  }

  String text(Object value) {
    write(value, 0);
    return out.toString();
  }

  private void write(Object value, int depth) {
    if (depth > DEEPEST) throw Values.tooDeep(inputs.line());
    inputs.budget().charge(1 + Math.max(0, indent) * (long) depth, inputs.line());
    switch (value) {
      case null -> out.append("null");
      case Boolean flag -> out.append(flag);
      case Long number -> out.append(number);
      case Double number -> out.append(number(number));
      case String text -> string(text);
      case List<?> list -> list(list, depth);
      case Map<?, ?> map -> map(map, depth);
      default -> throw inputs.error("JSON has no form for " + Values.kind(value));
    }
  }

  private static String number(double value) {
    if (Double.isNaN(value)) return "NaN";
    if (Double.isInfinite(value)) return value > 0 ? "Infinity" : "-Infinity";
    return PythonText.number(value);
  }

  private void list(List<?> list, int depth) {
    out.append('[');
    for (int i = 0; i < list.size(); i++) {
      if (i > 0) out.append(itemSeparator);
      newLine(depth + 1);
      write(list.get(i), depth + 1);
    }
    if (!list.isEmpty()) newLine(depth);
    out.append(']');
  }

  private void map(Map<?, ?> map, int depth) {
    out.append('{');
    boolean first = true;
    for (Object key : keys(map)) {
      if (!first) out.append(itemSeparator);
      first = false;
      newLine(depth + 1);
      if (key instanceof String text) string(text);
      else out.append('"').append(Values.text(key, inputs.line())).append('"');
      out.append(keySeparator);
      write(map.get(key), depth + 1);
    }
    if (!map.isEmpty()) newLine(depth);
    out.append('}');
  }

  private List<?> keys(Map<?, ?> map) {
    List<?> keys = List.copyOf(map.keySet());
    return sorted
        ? keys.stream()
            .sorted(Comparator.comparing(key -> Values.text(key, inputs.line())))
            .toList()
        : keys;
  }

  private void newLine(int depth) {
    if (indent >= 0) out.append('\n').repeat(' ', indent * depth);
  }

  private void string(String text) {
    inputs.budget().charge(text.length(), inputs.line());
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\f' -> out.append("\\f");
        case '\b' -> out.append("\\b");
        default -> {
          if (c < 0x20) out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          else out.append(c);
        }
      }
    }
    out.append('"');
  }
}
