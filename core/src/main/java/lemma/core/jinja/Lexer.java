package lemma.core.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import lemma.core.jinja.Token.Kind;

/// Splits a template into [tokens][Token] and strips white space as Jinja does with the settings of
/// chat templates, `trim_blocks` and `lstrip_blocks`:
///
/// | where | what goes |
/// |---|---|
/// | before a block or comment that begins its line | the spaces in front of it |
/// | after a block or comment | one line break |
/// | `{%-` `{{-` `{#-` | all white space before |
/// | `-%}` `-}}` `-#}` | all white space after |
/// | `{%+` and `+%}` | nothing on that side |
/// | the end of the template | one line break |
final class Lexer {
  private static final String[] OPERATORS = {
    "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[",
    "]", "{", "}", ",", ":", ".", "|"
  };

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;
  private boolean lineBegins = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = template.replaceAll("\r\n|\r", "\n");
    if (source.endsWith("\n")) source = source.substring(0, source.length() - 1);
    Lexer lexer = new Lexer(source);
    while (lexer.at < source.length()) lexer.textAndTag();
    lexer.add(Kind.END, "");
    return lexer.tokens;
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }

  private TemplateException error(String message) {
    return new TemplateException(line, message);
  }

  private void advance(int to) {
    for (; at < to; at++) if (source.charAt(at) == '\n') line++;
  }

  private void textAndTag() {
    int open = at;
    while (open < source.length() && !tagOpens(open)) open++;
    String text = source.substring(at, open);
    boolean tag = open < source.length();
    char sign = tag && open + 2 < source.length() ? source.charAt(open + 2) : ' ';
    if (tag) text = strippedBefore(text, source.charAt(open + 1), sign);
    if (!text.isEmpty()) add(Kind.TEXT, text);
    advance(open);
    if (!tag) return;
    char kind = source.charAt(open + 1);
    at += sign == '-' || sign == '+' ? 3 : 2;
    if (kind == '#') comment();
    else inside(kind == '{' ? "}}" : "%}", kind == '{');
  }

  private boolean tagOpens(int index) {
    return source.startsWith("{{", index)
        || source.startsWith("{%", index)
        || source.startsWith("{#", index);
  }

  private String strippedBefore(String text, char kind, char sign) {
    if (sign == '-') return PythonText.stripEnd(text);
    if (sign == '+' || kind == '{') return text;
    int start = text.lastIndexOf('\n') + 1;
    boolean own = start > 0 || lineBegins;
    return own && text.substring(start).isBlank() ? text.substring(0, start) : text;
  }

  private void comment() {
    int close = source.indexOf("#}", at);
    if (close < 0) throw error("the comment does not end: expected #}");
    char sign = close > at ? source.charAt(close - 1) : ' ';
    advance(close);
    end(sign, true);
  }

  /// The words of a tag, up to its end.
  private void inside(String end, boolean output) {
    add(output ? Kind.OUTPUT_BEGIN : Kind.BLOCK_BEGIN, output ? "{{" : "{%");
    Deque<String> open = new ArrayDeque<>(); // an end inside of brackets is none
    while (true) {
      while (at < source.length() && Character.isWhitespace(source.charAt(at))) advance(at + 1);
      if (at >= source.length()) throw error("the tag does not end: expected " + end);
      char sign = source.charAt(at);
      boolean signed = (sign == '-' || sign == '+' && !output) && source.startsWith(end, at + 1);
      if (open.isEmpty() && (signed || source.startsWith(end, at))) {
        add(output ? Kind.OUTPUT_END : Kind.BLOCK_END, end);
        if (signed) at++;
        end(signed ? sign : ' ', !output);
        return;
      }
      word(open);
    }
  }

  /// Steps over the two characters of an end and the white space that goes with it.
  private void end(char sign, boolean trimLine) {
    at += 2;
    int to = at;
    if (sign == '-') while (to < source.length() && PythonText.isSpace(source.charAt(to))) to++;
    else if (sign != '+' && trimLine && source.startsWith("\n", at)) to++;
    lineBegins = to > at && source.charAt(to - 1) == '\n';
    advance(to);
  }

  private void word(Deque<String> open) {
    char c = source.charAt(at);
    if (c == '"' || c == '\'') string(c);
    else if (c >= '0' && c <= '9') number();
    else if (Character.isJavaIdentifierStart(c) && c != '$') name();
    else operator(open);
  }

  private void name() {
    int to = at;
    while (to < source.length()
        && Character.isJavaIdentifierPart(source.charAt(to))
        && source.charAt(to) != '$') to++;
    add(Kind.NAME, source.substring(at, to));
    at = to;
  }

  private void number() {
    int to = digits(at);
    Kind kind = Kind.INTEGER;
    boolean member = !tokens.isEmpty() && tokens.getLast().is(Kind.OPERATOR, "."); // x.0
    if (!member && source.startsWith(".", to) && digits(to + 1) > to + 1) {
      to = digits(to + 1);
      kind = Kind.FLOAT;
    }
    if (!member && (source.startsWith("e", to) || source.startsWith("E", to))) {
      int exponent = source.startsWith("+", to + 1) || source.startsWith("-", to + 1) ? 2 : 1;
      if (digits(to + exponent) > to + exponent) {
        to = digits(to + exponent);
        kind = Kind.FLOAT;
      }
    }
    add(kind, source.substring(at, to).replace("_", ""));
    at = to;
  }

  private int digits(int from) {
    int to = from;
    while (to < source.length()
        && (source.charAt(to) >= '0' && source.charAt(to) <= '9'
            || to > from && source.charAt(to) == '_')) to++;
    return to;
  }

  private void string(char quote) {
    int to = at + 1;
    while (to < source.length() && source.charAt(to) != quote)
      to += source.charAt(to) == '\\' ? 2 : 1;
    if (to >= source.length()) throw error("the string does not end: expected " + quote);
    String text = PythonText.unescape(source.substring(at + 1, to));
    if (!tokens.isEmpty() && tokens.getLast().kind() == Kind.STRING) // "a" "b" is one string
    text = tokens.removeLast().text() + text;
    add(Kind.STRING, text);
    advance(to + 1);
  }

  private void operator(Deque<String> open) {
    for (String operator : OPERATORS)
      if (source.startsWith(operator, at)) {
        switch (operator) {
          case "(" -> open.push(")");
          case "[" -> open.push("]");
          case "{" -> open.push("}");
          case ")", "]", "}" -> {
            if (!operator.equals(open.poll())) throw error("unexpected \"" + operator + "\"");
          }
          default -> {}
        }
        add(Kind.OPERATOR, operator);
        at += operator.length();
        return;
      }
    throw error("unexpected character \"" + source.charAt(at) + "\"");
  }
}
