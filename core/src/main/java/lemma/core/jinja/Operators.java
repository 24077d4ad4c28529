package lemma.core.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Arithmetic, comparison and membership as Python has them.
final class Operators {
  private final Budget budget;

  Operators(Budget budget) {
    this.budget = budget;
  }

  Object binary(String operator, Object a, Object b, int line) {
    if (operator.equals("~")) return joined(Values.text(a, line), Values.text(b, line), line);
    if (Values.isNumber(a) && Values.isNumber(b)) return arithmetic(operator, a, b, line);
    if (operator.equals("+")) {
      if (a instanceof String x && b instanceof String y) return joined(x, y, line);
      if (a instanceof List<?> x && b instanceof List<?> y) {
        budget.chargeItems((long) x.size() + y.size(), line);
        List<Object> sum = new ArrayList<>(x);
        sum.addAll(y);
        return sum;
      }
    }
    if (operator.equals("*")) {
      if (a instanceof String text && b instanceof Long times) return repeated(text, times, line);
      if (a instanceof Long times && b instanceof String text) return repeated(text, times, line);
    }
    throw cannot(operator, a, b, line);
  }

  private static TemplateException cannot(String operator, Object a, Object b, int line) {
    return new TemplateException(
        line,
        "\"%s\" cannot be used on %s and %s".formatted(operator, Values.kind(a), Values.kind(b)));
  }

  private String joined(String a, String b, int line) {
    budget.charge((long) a.length() + b.length(), line);
    return a + b;
  }

  private String repeated(String text, long times, int line) {
    long count = Math.clamp(times, 0, Integer.MAX_VALUE);
    budget.charge(count * text.length(), line);
    return text.repeat((int) count);
  }

  private static Object arithmetic(String operator, Object a, Object b, int line) {
    boolean whole = !(a instanceof Double) && !(b instanceof Double);
    boolean divides = operator.equals("/") || operator.equals("//") || operator.equals("%");
    if (divides && Values.decimal(b) == 0) throw new TemplateException(line, "division by zero");
    try {
      if (operator.equals("/")) return Values.decimal(a) / Values.decimal(b);
      if (operator.equals("**")) return power(a, b, whole, line);
      if (!whole) return decimals(operator, Values.decimal(a), Values.decimal(b), line);
      long x = Values.integer(a);
      long y = Values.integer(b);
      return switch (operator) {
        case "+" -> Math.addExact(x, y);
        case "-" -> Math.subtractExact(x, y);
        case "*" -> Math.multiplyExact(x, y);
        case "//" -> Math.floorDivExact(x, y);
        case "%" -> Math.floorMod(x, y);
        default -> throw cannot(operator, a, b, line);
      };
    } catch (ArithmeticException e) {
      throw new TemplateException(line, "\"" + operator + "\" exceeds 64 bits");
    }
  }

  private static Object power(Object a, Object b, boolean whole, int line) {
    double power = Math.pow(Values.decimal(a), Values.decimal(b));
    if (!whole || Values.integer(b) < 0) return power;
    if (Math.abs(power) >= 1L << 53) throw new TemplateException(line, "\"**\" exceeds 53 bits");
    return (long) power;
  }

  private static Object decimals(String operator, double x, double y, int line) {
    return switch (operator) {
      case "+" -> x + y;
      case "-" -> x - y;
      case "*" -> x * y;
      case "//" -> Math.floor(x / y);
      case "%" -> x - y * Math.floor(x / y);
      default -> throw cannot(operator, x, y, line);
    };
  }

  Object negative(Object value, int line) {
    if (value instanceof Double number) return -number;
    if (!Values.isNumber(value) || Values.integer(value) == Long.MIN_VALUE)
      throw new TemplateException(line, "\"-\" cannot be used on " + Values.kind(value));
    return -Values.integer(value);
  }

  boolean compare(String operator, Object a, Object b, int line) {
    return switch (operator) {
      case "==" -> equal(a, b, line);
      case "!=" -> !equal(a, b, line);
      case "in" -> contains(b, a, line);
      case "not in" -> !contains(b, a, line);
      case "<" -> order(operator, a, b, line) < 0;
      case "<=" -> order(operator, a, b, line) <= 0;
      case ">" -> order(operator, a, b, line) > 0;
      default -> order(operator, a, b, line) >= 0;
    };
  }

  private boolean equal(Object a, Object b, int line) {
    if (a instanceof List<?> list) budget.charge(list.size(), line);
    return Values.equal(a, b, line);
  }

  /// Numbers by value, strings by code point.
  int order(String operator, Object a, Object b, int line) {
    if (Values.isNumber(a) && Values.isNumber(b)) return Values.compareNumbers(a, b);
    if (a instanceof String x && b instanceof String y) {
      int[] left = x.codePoints().toArray();
      return java.util.Arrays.compare(left, y.codePoints().toArray());
    }
    throw cannot(operator, a, b, line);
  }

  /// `item in container`.
  boolean contains(Object container, Object item, int line) {
    switch (container) {
      case String text -> {
        budget.charge(text.length(), line);
        if (item instanceof String part) return text.contains(part);
        throw cannot("in", item, container, line);
      }
      case List<?> list -> {
        budget.charge(list.size(), line);
        for (Object each : list) if (Values.equal(each, item, line)) return true;
        return false;
      }
      case Map<?, ?> map -> {
        return map.containsKey(item);
      }
      case Values.Undefined _ -> {
        return false;
      }
      case null, default -> throw cannot("in", item, container, line);
    }
  }
}
