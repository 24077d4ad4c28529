package lemma.core.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What has a value.
sealed interface Expression {
  int line();

  record Literal(Object value, int line) implements Expression {}

  record Name(String name, int line) implements Expression {}

  record ListOf(List<Expression> items, int line) implements Expression {}

  record MapOf(List<Map.Entry<Expression, Expression>> entries, int line) implements Expression {}

  /// `target.name`
  record Attribute(Expression target, String name, int line) implements Expression {}

  /// `target[index]`
  record Item(Expression target, Expression index, int line) implements Expression {}

  /// `target[start:stop:step]`
  record Slice(
      Expression target,
      Optional<Expression> start,
      Optional<Expression> stop,
      Optional<Expression> step,
      int line)
      implements Expression {}

  /// What stands in parentheses behind a function, a filter or a test.
  record Arguments(List<Expression> positional, Map<String, Expression> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());
  }

  record Call(Expression target, Arguments arguments, int line) implements Expression {}

  /// `target | name(arguments)`
  record Filtered(Expression target, String name, Arguments arguments, int line)
      implements Expression {}

  /// `target is name(arguments)`
  record Tested(Expression target, String name, Arguments arguments, int line)
      implements Expression {}

  /// `not`, `-`, `+`
  record Unary(String operator, Expression operand, int line) implements Expression {}

  /// Arithmetic and `~`.
  record Binary(String operator, Expression left, Expression right, int line)
      implements Expression {}

  /// `a < b <= c`, also `in` and `not in`.
  record Comparison(Expression first, List<Step> steps, int line) implements Expression {
    record Step(String operator, Expression right) {}
  }

  /// `and`, `or`: the operand that decides.
  record Logic(boolean and, Expression left, Expression right, int line) implements Expression {}

  /// `then if condition else otherwise`
  record Choice(Expression condition, Expression then, Optional<Expression> otherwise, int line)
      implements Expression {}
}
