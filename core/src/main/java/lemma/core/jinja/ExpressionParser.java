package lemma.core.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lemma.core.jinja.Expression.Comparison;
import lemma.core.jinja.Token.Kind;

/// Expressions by recursive descent, loosest first:
///
/// ```
/// x if c else y    or    and    not    < <= > >= == != in    + -    ~    * / // %    **    operand
/// ```
final class ExpressionParser {
  private final TokenStream tokens;
  private final OperandParser operands;

  ExpressionParser(TokenStream tokens) {
    this.tokens = tokens;
    operands = new OperandParser(tokens, this);
  }

  Expression expression() {
    tokens.enter();
    Expression result = or();
    while (tokens.atName("if")) {
      int line = tokens.take().line();
      Expression condition = or();
      Optional<Expression> otherwise =
          tokens.skipName("else") ? Optional.of(expression()) : Optional.empty();
      result = new Expression.Choice(condition, result, otherwise, line);
    }
    tokens.leave();
    return result;
  }

  /// An expression that may go on with commas: `a, b` is a list.
  Expression expressions() {
    Expression first = expression();
    if (!tokens.at(",")) return first;
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skip(",") && !atEnd()) items.add(expression());
    return new Expression.ListOf(items, first.line());
  }

  private boolean atEnd() {
    Kind kind = tokens.peek().kind();
    return kind == Kind.BLOCK_END || kind == Kind.OUTPUT_END;
  }

  /// A condition that stops before `if` and `else`: the items of a loop.
  Expression or() {
    Expression left = and();
    while (tokens.atName("or")) {
      int line = tokens.take().line();
      left = new Expression.Logic(false, left, and(), line);
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.atName("and")) {
      int line = tokens.take().line();
      left = new Expression.Logic(true, left, not(), line);
    }
    return left;
  }

  private Expression not() {
    if (!tokens.atName("not")) return comparison();
    int line = tokens.take().line();
    tokens.enter();
    Expression operand = not();
    tokens.leave();
    return new Expression.Unary("not", operand, line);
  }

  private Expression comparison() {
    int line = tokens.line();
    Expression first = sum();
    List<Comparison.Step> steps = new ArrayList<>();
    for (String operator = comparator(); operator != null; operator = comparator())
      steps.add(new Comparison.Step(operator, sum()));
    return steps.isEmpty() ? first : new Comparison(first, steps, line);
  }

  /// Takes the operator of a comparison; `null` if there is none.
  private String comparator() {
    for (String operator : new String[] {"==", "!=", "<", "<=", ">", ">="})
      if (tokens.skip(operator)) return operator;
    if (tokens.skipName("in")) return "in";
    if (tokens.atName("not") && tokens.peekSecond().is(Kind.NAME, "in")) {
      tokens.take();
      tokens.take();
      return "not in";
    }
    return null;
  }

  private Expression sum() {
    Expression left = joined();
    while (tokens.at("+") || tokens.at("-")) {
      Token operator = tokens.take();
      left = new Expression.Binary(operator.text(), left, joined(), operator.line());
    }
    return left;
  }

  private Expression joined() {
    Expression left = product();
    while (tokens.at("~")) {
      int line = tokens.take().line();
      left = new Expression.Binary("~", left, product(), line);
    }
    return left;
  }

  private Expression product() {
    Expression left = power();
    while (tokens.at("*") || tokens.at("/") || tokens.at("//") || tokens.at("%")) {
      Token operator = tokens.take();
      left = new Expression.Binary(operator.text(), left, power(), operator.line());
    }
    return left;
  }

  private Expression power() {
    Expression left = operands.operand();
    while (tokens.at("**")) {
      int line = tokens.take().line();
      left = new Expression.Binary("**", left, operands.operand(), line);
    }
    return left;
  }
}
