package lemma.core.jinja;

import java.util.List;
import lemma.core.jinja.Token.Kind;

/// The tokens of a template, one after the other, for both parsers.
final class TokenStream {
  private static final int DEEPEST = 100;

  private final List<Token> tokens;
  private int next;
  private int depth;

  TokenStream(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return tokens.get(next);
  }

  Token peekSecond() {
    return tokens.get(Math.min(next + 1, tokens.size() - 1));
  }

  Token take() {
    Token token = peek();
    if (token.kind() != Kind.END) next++;
    return token;
  }

  int line() {
    return peek().line();
  }

  boolean at(String operator) {
    return peek().is(Kind.OPERATOR, operator);
  }

  boolean atName(String name) {
    return peek().is(Kind.NAME, name);
  }

  boolean skip(String operator) {
    boolean there = at(operator);
    if (there) next++;
    return there;
  }

  boolean skipName(String name) {
    boolean there = atName(name);
    if (there) next++;
    return there;
  }

  void expect(String operator) {
    if (!skip(operator)) throw unexpected("\"" + operator + "\"");
  }

  Token expect(Kind kind, String what) {
    if (peek().kind() != kind) throw unexpected(what);
    return take();
  }

  String name() {
    return expect(Kind.NAME, "a name").text();
  }

  TemplateException unexpected(String expected) {
    return new TemplateException(line(), "expected " + expected + ", found " + peek());
  }

  /// To be called where a construct holds another of its kind, and [#leave] behind it.
  void enter() {
    if (++depth > DEEPEST)
      throw new TemplateException(line(), "nested deeper than " + DEEPEST + " levels");
  }

  void leave() {
    depth--;
  }
}
