package lemma.sampling.constrain;

import static lemma.sampling.constrain.Expression.choice;
import static lemma.sampling.constrain.Expression.optional;
import static lemma.sampling.constrain.Expression.sequence;
import static lemma.sampling.constrain.Expression.text;
import static lemma.sampling.constrain.Expression.times;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lemma.sampling.constrain.Expression.Characters;
import lemma.sampling.constrain.Expression.Repeat;
import lemma.sampling.constrain.Expression.Rule;

/// How JSON is written (RFC 8259), without white space: expressions for its values.
final class JsonText {
  static final Expression STRING_CHARACTER = new Rule("character");
  static final Expression ANY = new Rule("value");

  private static final CodePoints CONTROL = CodePoints.range(0, 0x1F);
  private static final CodePoints PLAIN =
      CodePoints.ALL.without(CONTROL).without(CodePoints.of("\"\\"));
  private static final Expression DIGIT = Expression.range("09");
  private static final Expression HEX = Expression.range("09afAF");
  private static final Expression FRACTION = sequence(text("."), atLeast(1, DIGIT));

  private JsonText() {}

  /// The rules that [#STRING_CHARACTER] and [#ANY] name.
  static Map<String, Expression> rules() {
    Expression surrogate = sequence(text("\\u"), Expression.range("DDdd"));
    Expression other = Expression.range("09acefACEF");
    Expression unicode =
        choice(
            sequence(text("\\u"), other, times(3, HEX)),
            sequence(surrogate, Expression.range("07"), times(2, HEX)),
            sequence(
                sequence(surrogate, Expression.range("89abAB"), times(2, HEX)),
                sequence(surrogate, Expression.range("cfCF"), times(2, HEX))));
    Expression escape = sequence(text("\\"), new Characters(CodePoints.of("\"\\/bfnrt")));
    Map<String, Expression> rules = new LinkedHashMap<>();
    rules.put("character", choice(new Characters(PLAIN), escape, unicode));
    rules.put("array", array(ANY, 0, Repeat.UNBOUNDED));
    rules.put("object", object(Expression.EMPTY, sequence(string(), text(":"), ANY)));
    rules.put(
        "value",
        choice(
            new Rule("object"),
            new Rule("array"),
            string(),
            number(),
            text("true"),
            text("false"),
            text("null")));
    return rules;
  }

  private static Expression atLeast(int min, Expression body) {
    return new Repeat(body, min, Repeat.UNBOUNDED);
  }

  static Expression string() {
    return string(0, Repeat.UNBOUNDED);
  }

  static Expression string(int minLength, int maxLength) {
    return quoted(new Repeat(STRING_CHARACTER, minLength, maxLength));
  }

  static Expression quoted(Expression content) {
    return sequence(text("\""), content, text("\""));
  }

  /// What `expression` matches, as the content of a string: each character in its shortest form.
  static Expression escaped(Expression expression) {
    return switch (expression) {
      case Characters one -> escaped(one.set());
      case Expression.Sequence all ->
          new Expression.Sequence(all.parts().stream().map(JsonText::escaped).toList());
      case Expression.Choice any ->
          new Expression.Choice(any.options().stream().map(JsonText::escaped).toList());
      case Repeat(Expression body, int min, int max) -> new Repeat(escaped(body), min, max);
      case Rule rule -> rule;
    };
  }

  private static Expression escaped(CodePoints set) {
    var options = new ArrayList<Expression>();
    options.add(new Characters(set.and(PLAIN)));
    for (CodePoints.Range range : set.without(PLAIN).ranges())
      for (int c = range.from(); c <= range.to(); c++) options.add(text(escape(c)));
    return new Expression.Choice(options);
  }

  private static String escape(int c) {
    int named = "\"\\\b\f\n\r\t".indexOf(c);
    return named < 0 ? "\\u%04x".formatted(c) : "\\" + "\"\\bfnrt".charAt(named);
  }

  /// A property's name that is none of `names`, without escapes.
  static Expression otherName(Collection<String> names) {
    return quoted(notIn(names.stream().filter(JsonText::isPlain).toList()));
  }

  private static boolean isPlain(String name) {
    return name.codePoints().allMatch(PLAIN::contains);
  }

  /// Plain text that differs from all of `names`: it ends elsewhere, or leaves the tree of the
  /// names.
  private static Expression notIn(List<String> names) {
    Map<Integer, List<String>> branches = new LinkedHashMap<>();
    for (String name : names)
      if (!name.isEmpty()) {
        int first = name.codePointAt(0);
        branches
            .computeIfAbsent(first, c -> new ArrayList<>())
            .add(name.substring(Character.charCount(first)));
      }
    var options = new ArrayList<Expression>();
    if (!names.contains("")) options.add(Expression.EMPTY);
    CodePoints others = PLAIN;
    for (var branch : branches.entrySet()) {
      CodePoints first = CodePoints.of(branch.getKey());
      others = others.without(first);
      options.add(sequence(new Characters(first), notIn(branch.getValue())));
    }
    options.add(sequence(new Characters(others), atLeast(0, new Characters(PLAIN))));
    return new Expression.Choice(options);
  }

  static Expression array(Expression item, int min, int max) {
    if (max == 0) return text("[]");
    int more = max == Repeat.UNBOUNDED ? max : max - 1;
    Expression items =
        sequence(item, new Repeat(sequence(text(","), item), Math.max(0, min - 1), more));
    return sequence(text("["), min == 0 ? optional(items) : items, text("]"));
  }

  /// `declared` members, empty or each with its commas, or any number of `others`.
  static Expression object(Expression declared, Expression other) {
    Expression others = optional(sequence(other, atLeast(0, sequence(text(","), other))));
    return sequence(text("{"), declared, others, text("}"));
  }

  /// Any number.
  static Expression number() {
    Expression exponent =
        sequence(
            new Characters(CodePoints.of("eE")),
            optional(new Characters(CodePoints.of("+-"))),
            atLeast(1, DIGIT));
    return sequence(integer(null, null), optional(FRACTION), optional(exponent));
  }

  /// Decimal numbers without exponent between whole bounds, of which either may be missing.
  static Expression number(BigInteger min, BigInteger max) {
    var options = new ArrayList<Expression>();
    if (max == null || max.signum() >= 0) options.add(magnitude(atLeastZero(min), max, true));
    if (min == null || min.signum() < 0)
      options.add(sequence(text("-"), magnitude(atLeastZero(negate(max)), negate(min), true)));
    return new Expression.Choice(options);
  }

  /// Whole numbers between bounds, of which either may be missing.
  static Expression integer(BigInteger min, BigInteger max) {
    if (min == null && max == null)
      return sequence(optional(text("-")), magnitude(BigInteger.ZERO, null, false));
    var options = new ArrayList<Expression>();
    if (max == null || max.signum() >= 0) options.add(magnitude(atLeastZero(min), max, false));
    if (min == null || min.signum() < 0) {
      BigInteger least = atLeastZero(negate(max)).max(BigInteger.ONE);
      options.add(sequence(text("-"), magnitude(least, negate(min), false)));
    }
    return new Expression.Choice(options);
  }

  private static BigInteger negate(BigInteger bound) {
    return bound == null ? null : bound.negate();
  }

  private static BigInteger atLeastZero(BigInteger bound) {
    return bound == null ? BigInteger.ZERO : bound.max(BigInteger.ZERO);
  }

  /// Numbers from `min` ≥ 0 to `max`, if there is one, by their number of digits.
  private static Expression magnitude(BigInteger min, BigInteger max, boolean fractions) {
    if (max != null && max.compareTo(min) < 0) return Expression.NOTHING;
    if (fractions && max != null) {
      Expression zeros = optional(sequence(text("."), atLeast(1, text("0"))));
      return choice(
          sequence(magnitude(min, max.subtract(BigInteger.ONE), false), optional(FRACTION)),
          sequence(text(max.toString()), zeros));
    }
    String low = min.toString();
    var options = new ArrayList<Expression>();
    int longest = max == null ? low.length() : max.toString().length();
    for (int length = low.length(); length <= longest; length++) {
      String from = length == low.length() ? low : "1" + "0".repeat(length - 1);
      boolean last = max != null && length == longest;
      options.add(digits(from, last ? max.toString() : "9".repeat(length)));
    }
    if (max == null) options.add(sequence(Expression.range("19"), atLeast(longest, DIGIT)));
    Expression whole = new Expression.Choice(options);
    return fractions ? sequence(whole, optional(FRACTION)) : whole;
  }

  /// Numbers of as many digits, from `low` to `high`: the first digit decides what may follow.
  private static Expression digits(String low, String high) {
    if (low.isEmpty()) return Expression.EMPTY;
    char first = low.charAt(0);
    char last = high.charAt(0);
    String lowRest = low.substring(1);
    String highRest = high.substring(1);
    if (first == last) return sequence(text(low.substring(0, 1)), digits(lowRest, highRest));
    int rest = lowRest.length();
    String nines = "9".repeat(rest);
    String zeros = "0".repeat(rest);
    boolean fromStart = lowRest.equals(zeros);
    boolean toEnd = highRest.equals(nines);
    var options = new ArrayList<Expression>();
    char from = fromStart ? first : (char) (first + 1);
    char to = toEnd ? last : (char) (last - 1);
    if (from <= to) options.add(sequence(Expression.range("" + from + to), times(rest, DIGIT)));
    if (!fromStart) options.add(sequence(text("" + first), digits(lowRest, nines)));
    if (!toEnd) options.add(sequence(text("" + last), digits(zeros, highRest)));
    return new Expression.Choice(options);
  }
}
