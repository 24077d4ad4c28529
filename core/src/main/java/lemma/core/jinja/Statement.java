package lemma.core.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a template does.
sealed interface Statement {

  record Text(String text, int line) implements Statement {}

  /// `{{ value }}`
  record Output(Expression value) implements Statement {}

  record If(List<Branch> branches, List<Statement> otherwise) implements Statement {
    record Branch(Expression condition, List<Statement> body) {}
  }

  /// `{% for targets in items if condition %}`
  record For(
      List<String> targets,
      Expression items,
      Optional<Expression> condition,
      List<Statement> body,
      List<Statement> otherwise,
      int line)
      implements Statement {}

  /// `{% set a, b = value %}`
  record SetNames(List<String> names, Expression value, int line) implements Statement {}

  /// `{% set namespace.member = value %}`
  record SetMember(String namespace, String member, Expression value, int line)
      implements Statement {}

  /// `{% set name %}…{% endset %}`
  record SetText(String name, List<Statement> body) implements Statement {}

  /// `{% macro name(parameters) %}…{% endmacro %}`; a parameter without a default has none.
  record Macro(
      String name, Map<String, Optional<Expression>> parameters, List<Statement> body, int line)
      implements Statement {}

  /// Statements that nothing is done to: `{% generation %}…{% endgeneration %}`.
  record Group(List<Statement> body) implements Statement {}

  record Break() implements Statement {}

  record Continue() implements Statement {}
}
