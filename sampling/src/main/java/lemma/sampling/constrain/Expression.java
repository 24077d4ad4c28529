package lemma.sampling.constrain;

import java.util.Arrays;
import java.util.List;

/// What the three notations are made of after parsing: expressions over characters, and the names
/// of rules.
sealed interface Expression {
  /// Matches the empty text only.
  Expression EMPTY = new Sequence(List.of());

  /// Matches nothing.
  Expression NOTHING = new Choice(List.of());

  /// One character of a set.
  record Characters(CodePoints set) implements Expression {}

  /// All, one after the other.
  record Sequence(List<Expression> parts) implements Expression {}

  /// One of them.
  record Choice(List<Expression> options) implements Expression {}

  /// At least `min` and at most `max` times.
  record Repeat(Expression body, int min, int max) implements Expression {
    /// No upper bound.
    static final int UNBOUNDED = Integer.MAX_VALUE;
  }

  /// What the rule of that name matches.
  record Rule(String name) implements Expression {}

  /// These characters in this order.
  static Expression text(String text) {
    return new Sequence(
        text.codePoints().mapToObj(c -> (Expression) new Characters(CodePoints.of(c))).toList());
  }

  static Expression sequence(Expression... parts) {
    return new Sequence(List.of(parts));
  }

  static Expression choice(Expression... options) {
    return new Choice(List.of(options));
  }

  static Expression optional(Expression body) {
    return new Repeat(body, 0, 1);
  }

  /// A character of one of the ranges that `ends` gives in pairs, such as `"azAZ"`.
  static Expression range(String ends) {
    int[] c = ends.codePoints().toArray();
    CodePoints set = CodePoints.NONE;
    for (int i = 0; i < c.length; i += 2) set = set.or(CodePoints.range(c[i], c[i + 1]));
    return new Characters(set);
  }

  /// `count` of them.
  static Expression times(int count, Expression body) {
    Expression[] parts = new Expression[count];
    Arrays.fill(parts, body);
    return sequence(parts);
  }
}
