package lemma.core.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lemma.core.jinja.Expression.Arguments;
import lemma.core.jinja.Token.Kind;

/// What stands between operators: `-x`, literals, `.a`, `[i]`, `(…)`, and then `|f` and `is t`.
final class OperandParser {
  private static final Set<String> NO_ARGUMENT =
      Set.of("else", "or", "and", "if", "is", "in", "not");

  private final TokenStream tokens;
  private final ExpressionParser expressions;

  OperandParser(TokenStream tokens, ExpressionParser expressions) {
    this.tokens = tokens;
    this.expressions = expressions;
  }

  /// An operand with its sign, and the filters and tests behind it.
  Expression operand() {
    return filtered(unary());
  }

  private Expression unary() {
    if (!tokens.at("-") && !tokens.at("+")) return suffixed(primary());
    Token sign = tokens.take();
    tokens.enter();
    Expression operand = unary();
    tokens.leave();
    return new Expression.Unary(sign.text(), operand, sign.line());
  }

  private Expression primary() {
    Token token = tokens.peek();
    int line = token.line();
    return switch (token.kind()) {
      case NAME -> name(tokens.take());
      case STRING -> new Expression.Literal(tokens.take().text(), line);
      case INTEGER -> new Expression.Literal(integer(tokens.take()), line);
      case FLOAT -> new Expression.Literal(Double.valueOf(tokens.take().text()), line);
      default -> {
        if (tokens.skip("(")) yield parenthesised(line);
        if (tokens.skip("[")) yield new Expression.ListOf(items("]"), line);
        if (tokens.skip("{")) yield map(line);
        throw tokens.unexpected("an expression");
      }
    };
  }

  private static Long integer(Token token) {
    try {
      return Long.valueOf(token.text());
    } catch (NumberFormatException e) {
      throw new TemplateException(token.line(), "integer " + token.text() + " is too large");
    }
  }

  private static Expression name(Token token) {
    return switch (token.text()) {
      case "true", "True" -> new Expression.Literal(true, token.line());
      case "false", "False" -> new Expression.Literal(false, token.line());
      case "none", "None" -> new Expression.Literal(null, token.line());
      default -> new Expression.Name(token.text(), token.line());
    };
  }

  /// An expression, or a tuple, which is a list here.
  private Expression parenthesised(int line) {
    if (tokens.skip(")")) return new Expression.ListOf(List.of(), line);
    Expression first = expressions.expression();
    if (tokens.skip(")")) return first;
    tokens.expect(",");
    List<Expression> items = new ArrayList<>(List.of(first));
    items.addAll(items(")"));
    return new Expression.ListOf(items, line);
  }

  private List<Expression> items(String end) {
    List<Expression> items = new ArrayList<>();
    while (!tokens.skip(end)) {
      items.add(expressions.expression());
      if (!tokens.at(end)) tokens.expect(",");
    }
    return items;
  }

  private Expression map(int line) {
    List<Map.Entry<Expression, Expression>> entries = new ArrayList<>();
    while (!tokens.skip("}")) {
      Expression key = expressions.expression();
      tokens.expect(":");
      entries.add(Map.entry(key, expressions.expression()));
      if (!tokens.at("}")) tokens.expect(",");
    }
    return new Expression.MapOf(entries, line);
  }

  private Expression suffixed(Expression target) {
    while (true) {
      int line = tokens.line();
      if (tokens.skip(".")) target = attribute(target, line);
      else if (tokens.skip("[")) target = item(target, line);
      else if (tokens.at("(")) target = new Expression.Call(target, arguments(), line);
      else return target;
    }
  }

  private Expression attribute(Expression target, int line) {
    if (tokens.peek().kind() == Kind.INTEGER)
      return new Expression.Item(
          target, new Expression.Literal(integer(tokens.take()), line), line);
    return new Expression.Attribute(target, tokens.name(), line);
  }

  private Expression item(Expression target, int line) {
    Optional<Expression> start = sliceEnd();
    if (start.isPresent() && tokens.skip("]"))
      return new Expression.Item(target, start.get(), line);
    tokens.expect(":");
    Optional<Expression> stop = sliceEnd();
    Optional<Expression> step = tokens.skip(":") ? sliceEnd() : Optional.empty();
    tokens.expect("]");
    return new Expression.Slice(target, start, stop, step, line);
  }

  private Optional<Expression> sliceEnd() {
    return tokens.at(":") || tokens.at("]")
        ? Optional.empty()
        : Optional.of(expressions.expression());
  }

  private Arguments arguments() {
    tokens.expect("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    while (!tokens.skip(")")) {
      if (tokens.peek().kind() == Kind.NAME && tokens.peekSecond().is(Kind.OPERATOR, "=")) {
        String name = tokens.name();
        tokens.expect("=");
        named.put(name, expressions.expression());
      } else {
        positional.add(expressions.expression());
      }
      if (!tokens.at(")")) tokens.expect(",");
    }
    return new Arguments(positional, named);
  }

  /// Filters and tests, and what follows them.
  private Expression filtered(Expression target) {
    while (true) {
      int line = tokens.line();
      if (tokens.skip("|")) {
        String name = tokens.name();
        Arguments arguments = tokens.at("(") ? arguments() : Arguments.NONE;
        target = new Expression.Filtered(target, name, arguments, line);
      } else if (tokens.skipName("is")) {
        target = tested(target, line);
      } else if (tokens.at("(")) {
        target = new Expression.Call(target, arguments(), line);
      } else {
        return target;
      }
    }
  }

  private Expression tested(Expression target, int line) {
    boolean negated = tokens.skipName("not");
    String name = tokens.name();
    Arguments arguments = Arguments.NONE;
    if (tokens.at("(")) arguments = arguments();
    else if (argumentFollows()) arguments = new Arguments(List.of(suffixed(primary())), Map.of());
    Expression tested = new Expression.Tested(target, name, arguments, line);
    return negated ? new Expression.Unary("not", tested, line) : tested;
  }

  private boolean argumentFollows() {
    return switch (tokens.peek().kind()) {
      case NAME -> !NO_ARGUMENT.contains(tokens.peek().text());
      case STRING, INTEGER, FLOAT -> true;
      default -> tokens.at("[") || tokens.at("{");
    };
  }
}
