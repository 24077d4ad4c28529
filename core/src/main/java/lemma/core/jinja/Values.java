package lemma.core.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The values of a template, and what Python says of them.
///
/// | in Python | here |
/// |---|---|
/// | `None`, `bool`, `int`, `float`, `str` | `null`, [Boolean], [Long], [Double], [String] |
/// | `list`, `tuple` | [List] |
/// | `dict` | [Map] in the order of insertion |
/// | a function | [Function] |
/// | `jinja2.Undefined` | [Undefined] |
final class Values {
  private static final int DEEPEST = 100;

  private Values() {}

  /// What is not there: it is written as nothing, is false, has no items, and can do nothing else.
  record Undefined(String what) {}

  /// Something to be called: a macro, a method, or a function of the template's surroundings.
  interface Function {
    Object call(Inputs inputs);
  }

  /// `namespace(…)`: members that a loop may change for the time after it.
  record Namespace(Map<String, Object> members) {}

  /// The value of an object from outside, copied.
  ///
  /// @throws IllegalArgumentException if a template has no such value
  static Object of(Object value) {
    return of(value, 0);
  }

  private static Object of(Object value, int depth) {
    if (depth > DEEPEST)
      throw new IllegalArgumentException("value is nested deeper than " + DEEPEST + " levels");
    return switch (value) {
      case null -> null;
      case String text -> text;
      case Boolean flag -> flag;
      case Long number -> number;
      case Integer number -> number.longValue();
      case Double number -> number;
      case Float number -> number.doubleValue();
      case List<?> list -> {
        List<Object> copy = new ArrayList<>(list.size());
        for (Object item : list) copy.add(of(item, depth + 1));
        yield copy;
      }
      case Map<?, ?> map -> {
        Map<Object, Object> copy = new LinkedHashMap<>();
        map.forEach((key, item) -> copy.put(of(key, depth + 1), of(item, depth + 1)));
        yield copy;
      }
      default ->
          throw new IllegalArgumentException(
              "a template has no values of " + value.getClass().getName());
    };
  }

  static boolean isTrue(Object value) {
    return switch (value) {
      case null -> false;
      case Undefined _ -> false;
      case Boolean flag -> flag;
      case Long number -> number != 0;
      case Double number -> number != 0;
      case String text -> !text.isEmpty();
      case List<?> list -> !list.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      default -> true;
    };
  }

  /// `==` of Python: numbers by their value, `True` as 1.
  static boolean equal(Object a, Object b, int line) {
    return equal(a, b, line, 0);
  }

  private static boolean equal(Object a, Object b, int line, int depth) {
    if (depth > DEEPEST) throw tooDeep(line);
    if (isNumber(a) && isNumber(b)) return compareNumbers(a, b) == 0;
    if (a instanceof List<?> x && b instanceof List<?> y) {
      if (x.size() != y.size()) return false;
      for (int i = 0; i < x.size(); i++)
        if (!equal(x.get(i), y.get(i), line, depth + 1)) return false;
      return true;
    }
    if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
      if (!x.keySet().equals(y.keySet())) return false;
      for (Object key : x.keySet())
        if (!equal(x.get(key), y.get(key), line, depth + 1)) return false;
      return true;
    }
    if (a instanceof Undefined && b instanceof Undefined) return true;
    if (a instanceof String text) return text.equals(b);
    return a == b;
  }

  /// What a loop goes through: items, keys, or characters.
  static List<?> items(Object value, int line) {
    return switch (value) {
      case List<?> list -> list;
      case Map<?, ?> map -> List.copyOf(map.keySet());
      case String text -> text.codePoints().mapToObj(Character::toString).toList();
      case Undefined _ -> List.of();
      case null, default ->
          throw new TemplateException(line, kind(value) + " has no items to go through");
    };
  }

  /// A number, or a truth value, which counts as 0 or 1.
  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  static int compareNumbers(Object a, Object b) {
    if (a instanceof Double || b instanceof Double)
      return Double.compare(decimal(a) + 0.0, decimal(b) + 0.0);
    return Long.compare(integer(a), integer(b));
  }

  static double decimal(Object number) {
    return number instanceof Double value ? value : integer(number);
  }

  static long integer(Object number) {
    return number instanceof Boolean flag ? flag ? 1 : 0 : (Long) number;
  }

  /// `str(value)`.
  static String text(Object value, int line) {
    return value instanceof String text ? text : written(value, line, 0);
  }

  private static String written(Object value, int line, int depth) {
    if (depth > DEEPEST) throw tooDeep(line);
    return switch (value) {
      case null -> "None";
      case Undefined _ -> "";
      case Boolean flag -> flag ? "True" : "False";
      case Double number -> PythonText.number(number);
      case String text -> PythonText.quoted(text);
      case List<?> list -> {
        List<String> items = new ArrayList<>();
        for (Object item : list) items.add(written(item, line, depth + 1));
        yield "[" + String.join(", ", items) + "]";
      }
      case Map<?, ?> map -> {
        List<String> items = new ArrayList<>();
        for (var entry : map.entrySet())
          items.add(
              written(entry.getKey(), line, depth + 1)
                  + ": "
                  + written(entry.getValue(), line, depth + 1));
        yield "{" + String.join(", ", items) + "}";
      }
      case Long number -> number.toString();
      default -> "<" + kind(value) + ">";
    };
  }

  static TemplateException tooDeep(int line) {
    return new TemplateException(line, "a value is nested deeper than " + DEEPEST + " levels");
  }

  /// What a value is, for an error.
  static String kind(Object value) {
    return switch (value) {
      case null -> "none";
      case Undefined missing -> missing.what() + ", which is undefined";
      case Boolean _ -> "a truth value";
      case Long _ -> "an integer";
      case Double _ -> "a number";
      case String _ -> "a string";
      case List<?> _ -> "a list";
      case Map<?, ?> _ -> "a mapping";
      case Namespace _ -> "a namespace";
      default -> "a function";
    };
  }
}
