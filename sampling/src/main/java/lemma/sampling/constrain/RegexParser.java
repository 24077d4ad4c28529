package lemma.sampling.constrain;

import java.util.ArrayList;
import java.util.Map;
import lemma.sampling.constrain.Expression.Characters;
import lemma.sampling.constrain.Expression.Repeat;

/// Reads the notation of [RegularExpression] by recursive descent.
///
/// ```
/// choice   = sequence ("|" sequence)*
/// sequence = (atom ("?" | "*" | "+" | "{m,n}")? "?"?)*
/// atom     = "(" choice ")" | "[" set "]" | "." | escape | character
/// ```
final class RegexParser {
  /// The largest count in braces.
  static final int MAX_COUNT = 10_000;

  /// Groups inside of groups.
  static final int MAX_NESTING = 200;

  private static final CodePoints DIGIT = CodePoints.range('0', '9');
  private static final CodePoints WORD =
      DIGIT.or(CodePoints.range('A', 'Z')).or(CodePoints.range('a', 'z')).or(CodePoints.of('_'));
  private static final CodePoints SPACE = CodePoints.of(" \t\n\u000B\f\r");
  private static final CodePoints DOT = CodePoints.of('\n').complement();

  private static final Map<String, String> GROUPS =
      Map.of(
          "?=", "look-ahead",
          "?!", "negative look-ahead",
          "?<=", "look-behind",
          "?<!", "negative look-behind",
          "?>", "an atomic group");

  private final int[] pattern;
  private int at;
  private int depth;

  private RegexParser(String pattern) {
    this.pattern = pattern.codePoints().toArray();
  }

  static Expression parse(String pattern) {
    var parser = new RegexParser(pattern);
    Expression expression = parser.choice();
    if (parser.at < parser.pattern.length) throw parser.wrong("a ) without its (");
    return expression;
  }

  private Expression choice() {
    var options = new ArrayList<Expression>();
    do options.add(sequence());
    while (accept("|"));
    return options.size() == 1 ? options.getFirst() : new Expression.Choice(options);
  }

  private Expression sequence() {
    var parts = new ArrayList<Expression>();
    if (depth == 0) accept("^");
    while (at < pattern.length && !looking("|") && !looking(")")) {
      if (looking("$") && depth == 0 && (at + 1 == pattern.length || pattern[at + 1] == '|')) {
        at++;
        break;
      }
      parts.add(quantified(atom()));
    }
    return parts.size() == 1 ? parts.getFirst() : new Expression.Sequence(parts);
  }

  private Expression quantified(Expression atom) {
    int[] counts = counts();
    if (counts.length == 0) return atom;
    if (looking("+")) throw unsupported("a possessive quantifier");
    accept("?");
    if (looking("*") || looking("+") || looking("?") || countsAhead())
      throw wrong("a quantifier of a quantifier");
    return new Repeat(atom, counts[0], counts[1]);
  }

  /// The least and the largest number of repetitions, or nothing if no quantifier follows.
  private int[] counts() {
    if (accept("*")) return new int[] {0, Repeat.UNBOUNDED};
    if (accept("+")) return new int[] {1, Repeat.UNBOUNDED};
    if (accept("?")) return new int[] {0, 1};
    if (!countsAhead()) return new int[0];
    int start = at++;
    int min = looking(",") ? 0 : count();
    int max = min;
    if (accept(",")) max = looking("}") ? Repeat.UNBOUNDED : count();
    at++;
    if (max < min) {
      at = start;
      throw wrong("{m,n} with n < m");
    }
    return new int[] {min, max};
  }

  /// Whether a quantifier in braces follows; other braces are characters.
  private boolean countsAhead() {
    if (!looking("{")) return false;
    int digits = 0;
    int commas = 0;
    int i = at + 1;
    for (; i < pattern.length && pattern[i] != '}'; i++)
      if (pattern[i] == ',') commas++;
      else if (DIGIT.contains(pattern[i])) digits++;
      else return false;
    return i < pattern.length && digits > 0 && commas <= 1;
  }

  private int count() {
    int start = at;
    long count = 0;
    for (; at < pattern.length && DIGIT.contains(pattern[at]); at++) {
      count = count * 10 + pattern[at] - '0';
      if (count > MAX_COUNT) {
        at = start;
        throw wrong("a count above " + MAX_COUNT);
      }
    }
    return (int) count;
  }

  private Expression atom() {
    int c = pattern[at];
    switch (c) {
      case '(' -> {
        return group();
      }
      case '[' -> {
        return new Characters(set());
      }
      case '\\' -> {
        return new Characters(escape(false));
      }
      case '^', '$' -> throw unsupported("the anchor " + (char) c + " inside of an expression");
      case '*', '+', '?' -> throw wrong("the quantifier " + (char) c + " with nothing to repeat");
      default -> {
        at++;
        return new Characters(c == '.' ? DOT : literal(c));
      }
    }
  }

  private Expression group() {
    int start = at++;
    if (!accept("?:") && looking("?")) name();
    if (++depth > MAX_NESTING) throw wrong("more than " + MAX_NESTING + " groups in each other");
    Expression body = choice();
    depth--;
    if (!accept(")")) {
      at = start;
      throw wrong("a ( without its )");
    }
    return body;
  }

  /// The name of a group, which changes nothing; other groups with `?` do.
  private void name() {
    for (int length = 3; length >= 2; length--) {
      String special = GROUPS.get(ahead(length));
      if (special != null) throw unsupported(special);
    }
    if (!accept("?<") && !accept("?P<")) throw unsupported("an inline flag or comment");
    while (at < pattern.length && WORD.contains(pattern[at])) at++;
    if (!accept(">")) throw wrong("a group's name without its >");
  }

  private CodePoints set() {
    int start = at++;
    boolean negated = accept("^");
    if (looking("]")) throw wrong("an empty set: write \\] for the character");
    var ranges = new ArrayList<CodePoints.Range>();
    while (at < pattern.length && !looking("]")) {
      if (looking("[:")) throw unsupported("a POSIX class");
      if (looking("&&")) throw unsupported("an intersection of sets");
      boolean single = !looking("\\") || !"dDwWsS".contains(ahead(2).substring(1));
      CodePoints from = member();
      if (looking("-") && !looking("-]")) {
        at++;
        if (!single || at == pattern.length) throw wrong("a range without an end");
        CodePoints to = member();
        ranges.addAll(range(from, to).ranges());
      } else ranges.addAll(from.ranges());
    }
    if (!accept("]")) {
      at = start;
      throw wrong("a [ without its ]");
    }
    CodePoints set = CodePoints.union(ranges);
    return negated ? set.complement() : set;
  }

  private CodePoints range(CodePoints from, CodePoints to) {
    int first = from.ranges().getFirst().from();
    int last = to.ranges().getFirst().to();
    if (to.ranges().size() != 1 || last != to.ranges().getFirst().from() || last < first)
      throw wrong("a range that does not ascend from one character to another");
    return CodePoints.range(first, last);
  }

  private CodePoints member() {
    return looking("\\") ? escape(true) : literal(pattern[at++]);
  }

  private CodePoints escape(boolean inSet) {
    if (at + 1 == pattern.length) throw wrong("a \\ at the end");
    int start = at;
    int c = pattern[at + 1];
    at += 2;
    return switch (c) {
      case 'd' -> DIGIT;
      case 'D' -> DIGIT.complement();
      case 'w' -> WORD;
      case 'W' -> WORD.complement();
      case 's' -> SPACE;
      case 'S' -> SPACE.complement();
      case 'n' -> CodePoints.of('\n');
      case 'r' -> CodePoints.of('\r');
      case 't' -> CodePoints.of('\t');
      case 'f' -> CodePoints.of('\f');
      case 'x' -> literal(hex(2));
      case 'u' -> literal(unicode());
      default -> {
        if (!WORD.contains(c) || c == '_') yield literal(c);
        at = start;
        throw unsupported(
            switch (c) {
              case 'b' -> inSet ? "the escape \\b" : "a word boundary";
              case 'B' -> "a word boundary";
              case 'p', 'P' -> "a Unicode property";
              case 'k', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> "a back-reference";
              case 'A', 'Z', 'z', 'G' -> "the anchor \\" + (char) c;
              default -> "the escape \\" + (char) c;
            });
      }
    };
  }

  private int unicode() {
    int high = hex(4);
    if (!Character.isHighSurrogate((char) high) || !accept("\\u")) return high;
    int low = hex(4);
    if (!Character.isLowSurrogate((char) low)) throw wrong("half a surrogate pair");
    return Character.toCodePoint((char) high, (char) low);
  }

  private int hex(int digits) {
    int value = 0;
    for (int i = 0; i < digits; i++, at++) {
      int digit = at < pattern.length ? Character.digit(pattern[at], 16) : -1;
      if (digit < 0) throw wrong("an escape with fewer than " + digits + " hexadecimal digits");
      value = 16 * value + digit;
    }
    return value;
  }

  private CodePoints literal(int c) {
    if (c >= 0xD800 && c <= 0xDFFF) throw wrong("half a surrogate pair");
    return CodePoints.of(c);
  }

  private boolean looking(String text) {
    return ahead(text.length()).equals(text);
  }

  private String ahead(int length) {
    int count = Math.min(length, pattern.length - at);
    return new String(pattern, at, count);
  }

  private boolean accept(String text) {
    if (!looking(text)) return false;
    at += text.length();
    return true;
  }

  private IllegalArgumentException unsupported(String construct) {
    return wrong(construct + " is not supported");
  }

  private IllegalArgumentException wrong(String problem) {
    return new IllegalArgumentException(
        "regular expression, position %d: %s".formatted(at + 1, problem));
  }
}
