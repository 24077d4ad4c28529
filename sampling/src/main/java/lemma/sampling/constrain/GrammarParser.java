package lemma.sampling.constrain;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import lemma.sampling.constrain.Expression.Characters;
import lemma.sampling.constrain.Expression.Repeat;

/// Reads the notation of [Grammar] by recursive descent. White space and line ends only separate: a
/// rule ends where the next one begins.
final class GrammarParser {
  private final int[] source;
  private int at;
  private int depth;

  private GrammarParser(String source) {
    this.source = source.codePoints().toArray();
  }

  static Map<String, Expression> parse(String source) {
    var parser = new GrammarParser(source);
    Map<String, Expression> rules = new LinkedHashMap<>();
    parser.space();
    while (parser.at < parser.source.length) {
      String name = parser.name();
      if (name.isEmpty() || !parser.accept("::=")) throw parser.wrong("expected a rule, name ::=");
      if (rules.putIfAbsent(name, parser.choice()) != null)
        throw parser.wrong("rule " + name + " is defined twice");
    }
    if (!rules.containsKey("root"))
      throw new IllegalArgumentException("the grammar has no rule root");
    return rules;
  }

  private Expression choice() {
    var options = new ArrayList<Expression>();
    do options.add(sequence());
    while (accept("|"));
    return options.size() == 1 ? options.getFirst() : new Expression.Choice(options);
  }

  private Expression sequence() {
    var parts = new ArrayList<Expression>();
    while (at < source.length && !looking("|") && !looking(")")) {
      int start = at;
      String name = name();
      if (!name.isEmpty() && looking("::=")) { // the next rule
        at = start;
        break;
      }
      parts.add(quantified(name.isEmpty() ? atom() : new Expression.Rule(name)));
    }
    return parts.size() == 1 ? parts.getFirst() : new Expression.Sequence(parts);
  }

  private Expression atom() {
    if (accept("(")) {
      if (++depth > RegexParser.MAX_NESTING)
        throw wrong("more than " + RegexParser.MAX_NESTING + " groups in each other");
      Expression body = choice();
      depth--;
      if (!accept(")")) throw wrong("a ( without its )");
      return body;
    }
    if (accept(".")) return new Characters(CodePoints.ALL);
    if (looking("\"")) return literal();
    if (looking("[")) return set();
    throw wrong("unexpected " + Character.toString(source[at]));
  }

  private Expression quantified(Expression body) {
    Expression repeated;
    if (accept("*")) repeated = new Repeat(body, 0, Repeat.UNBOUNDED);
    else if (accept("+")) repeated = new Repeat(body, 1, Repeat.UNBOUNDED);
    else if (accept("?")) repeated = new Repeat(body, 0, 1);
    else if (accept("{")) repeated = braces(body);
    else return body;
    if (looking("*") || looking("+") || looking("?") || looking("{"))
      throw wrong("a repetition of a repetition: write a group");
    return repeated;
  }

  private Expression braces(Expression body) {
    int min = count();
    int max = min;
    if (accept(",")) max = looking("}") ? Repeat.UNBOUNDED : count();
    if (max < min || !accept("}")) throw wrong("expected {m}, {m,} or {m,n} with m ≤ n");
    return new Repeat(body, min, max);
  }

  private int count() {
    int start = at;
    int count = 0;
    for (; at < source.length && source[at] >= '0' && source[at] <= '9'; at++) {
      count = 10 * count + source[at] - '0';
      if (count > RegexParser.MAX_COUNT) throw wrong("a count above " + RegexParser.MAX_COUNT);
    }
    if (at == start) throw wrong("expected a count");
    space();
    return count;
  }

  private Expression literal() {
    at++;
    var parts = new ArrayList<Expression>();
    while (inside('"', "a text without its closing \""))
      parts.add(new Characters(CodePoints.of(character())));
    at++;
    space();
    return new Expression.Sequence(parts);
  }

  private Expression set() {
    at++;
    boolean negated = at < source.length && source[at] == '^';
    if (negated) at++;
    var ranges = new ArrayList<CodePoints.Range>();
    while (inside(']', "a [ without its ]")) {
      int from = character();
      int to = from;
      if (at + 1 < source.length && source[at] == '-' && source[at + 1] != ']') {
        at++;
        to = character();
      }
      if (to < from) throw wrong("a range that does not ascend");
      ranges.addAll(CodePoints.range(from, to).ranges());
    }
    at++;
    space();
    if (ranges.isEmpty()) throw wrong("an empty set");
    CodePoints set = CodePoints.union(ranges);
    return new Characters(negated ? set.complement() : set);
  }

  private boolean inside(int end, String otherwise) {
    if (at >= source.length || source[at] == '\n') throw wrong(otherwise);
    return source[at] != end;
  }

  private int character() {
    int c = source[at++];
    if (c == '\\') {
      if (at == source.length) throw wrong("a \\ at the end");
      int escaped = source[at++];
      c =
          switch (escaped) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case '"', '\\', '[', ']', '-', '^' -> escaped;
            case 'x' -> hex(2);
            case 'u' -> hex(4);
            case 'U' -> hex(8);
            default ->
                throw wrong("the escape \\" + Character.toString(escaped) + " is not supported");
          };
    }
    if (c > 0x10FFFF || c < 0 || c >= 0xD800 && c <= 0xDFFF) throw wrong("no character: " + c);
    return c;
  }

  private int hex(int digits) {
    int value = 0;
    for (int i = 0; i < digits; i++, at++) {
      int digit = at < source.length ? Character.digit(source[at], 16) : -1;
      if (digit < 0) throw wrong("an escape with fewer than " + digits + " hexadecimal digits");
      value = 16 * value + digit;
    }
    return value;
  }

  private String name() {
    var name = new StringBuilder();
    while (at < source.length && isNamePart(source[at])) name.appendCodePoint(source[at++]);
    if (!name.isEmpty()) space();
    return name.toString();
  }

  private static boolean isNamePart(int c) {
    return c < 128 && Character.isLetterOrDigit(c) || c == '-' || c == '_';
  }

  /// Skips white space and comments.
  private void space() {
    for (; at < source.length && (Character.isWhitespace(source[at]) || source[at] == '#'); at++)
      if (source[at] == '#') while (at + 1 < source.length && source[at + 1] != '\n') at++;
  }

  private boolean looking(String text) {
    int count = Math.min(text.length(), source.length - at);
    return new String(source, at, count).equals(text);
  }

  private boolean accept(String text) {
    if (!looking(text)) return false;
    at += text.length();
    space();
    return true;
  }

  private IllegalArgumentException wrong(String problem) {
    int line = 1;
    for (int i = 0; i < Math.min(at, source.length); i++) if (source[i] == '\n') line++;
    return new IllegalArgumentException("grammar, line %d: %s".formatted(line, problem));
  }
}
