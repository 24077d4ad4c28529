package lemma.core.jinja;

import java.util.List;
import java.util.Map;
import lemma.core.jinja.Values.Function;
import lemma.core.jinja.Values.Undefined;

/// `x is name`: Jinja's tests.
final class Predicates {
  private final Operators operators;

  Predicates(Operators operators) {
    this.operators = operators;
  }

  boolean test(String name, Object value, Inputs inputs) {
    int line = inputs.line();
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == null;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "number" -> Values.isNumber(value);
      case "string" -> value instanceof String;
      case "mapping" -> value instanceof Map;
      case "sequence" ->
          value instanceof List
              || value instanceof Map
              || value instanceof String
              || value instanceof Undefined; // which has a length of 0
      case "iterable" ->
          value instanceof List
              || value instanceof Map
              || value instanceof String
              || value instanceof Undefined;
      case "callable" -> value instanceof Function;
      case "odd" -> Math.floorMod(integer(value, inputs), 2L) == 1;
      case "even" -> Math.floorMod(integer(value, inputs), 2L) == 0;
      case "divisibleby" -> divisible(value, inputs);
      case "lower" -> isCase(value, inputs, false);
      case "upper" -> isCase(value, inputs, true);
      case "in" -> operators.contains(inputs.required(0, "seq"), value, line);
      case "sameas" -> same(value, inputs.required(0, "other"));
      case "equalto", "eq", "==" -> operators.compare("==", value, inputs.required(0, "b"), line);
      case "ne", "!=" -> operators.compare("!=", value, inputs.required(0, "b"), line);
      case "lt", "lessthan", "<" -> operators.compare("<", value, inputs.required(0, "b"), line);
      case "le", "<=" -> operators.compare("<=", value, inputs.required(0, "b"), line);
      case "gt", "greaterthan", ">" -> operators.compare(">", value, inputs.required(0, "b"), line);
      case "ge", ">=" -> operators.compare(">=", value, inputs.required(0, "b"), line);
      default -> throw inputs.error("test \"" + name + "\" is not supported");
    };
  }

  private static long integer(Object value, Inputs inputs) {
    if (value instanceof Long || value instanceof Boolean) return Values.integer(value);
    throw inputs.error("an integer is expected, not " + Values.kind(value));
  }

  private static boolean divisible(Object value, Inputs inputs) {
    long by = inputs.integer(0, "num", 0);
    if (by == 0) throw inputs.error("division by zero");
    return integer(value, inputs) % by == 0;
  }

  /// Whether it has letters, and all of that case.
  private static boolean isCase(Object value, Inputs inputs, boolean upper) {
    String text = Values.text(value, inputs.line());
    return text.codePoints().anyMatch(upper ? Character::isUpperCase : Character::isLowerCase)
        && text.codePoints().noneMatch(upper ? Character::isLowerCase : Character::isUpperCase);
  }

  private static boolean same(Object a, Object b) {
    return a == b || a instanceof Boolean && a.equals(b);
  }
}
