package lemma.core.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lemma.core.jinja.Values.Function;
import lemma.core.jinja.Values.Undefined;

/// The value of an expression.
final class Evaluator {
  private final Budget budget;
  private final Operators operators;
  private final Predicates predicates;
  private final Filters filters;

  Evaluator(Budget budget) {
    this.budget = budget;
    operators = new Operators(budget);
    predicates = new Predicates(operators);
    filters = new Filters(operators, predicates);
  }

  Object value(Expression expression, Scope scope) {
    budget.enter(expression.line());
    Object value =
        switch (expression) {
          case Expression.Literal literal -> literal.value();
          case Expression.Name name -> scope.get(name.name());
          case Expression.ListOf list -> list(list.items(), scope);
          case Expression.MapOf map -> map(map, scope);
          case Expression.Attribute attribute ->
              Methods.attribute(
                  value(attribute.target(), scope), attribute.name(), attribute.line());
          case Expression.Item item ->
              Slices.item(value(item.target(), scope), value(item.index(), scope), item.line());
          case Expression.Slice slice ->
              Slices.slice(
                  value(slice.target(), scope),
                  end(slice.start(), scope),
                  end(slice.stop(), scope),
                  end(slice.step(), scope),
                  slice.line(),
                  budget);
          case Expression.Call call -> call(call, scope);
          case Expression.Filtered filtered ->
              filters.apply(
                  filtered.name(),
                  value(filtered.target(), scope),
                  inputs(filtered.arguments(), scope, filtered.line()));
          case Expression.Tested tested ->
              predicates.test(
                  tested.name(),
                  value(tested.target(), scope),
                  inputs(tested.arguments(), scope, tested.line()));
          case Expression.Unary unary -> unary(unary, scope);
          case Expression.Binary binary ->
              operators.binary(
                  binary.operator(),
                  value(binary.left(), scope),
                  value(binary.right(), scope),
                  binary.line());
          case Expression.Comparison comparison -> comparison(comparison, scope);
          case Expression.Logic logic -> {
            Object left = value(logic.left(), scope);
            yield Values.isTrue(left) == logic.and() ? value(logic.right(), scope) : left;
          }
          case Expression.Choice choice -> choice(choice, scope);
        };
    budget.leave();
    return value;
  }

  boolean isTrue(Expression expression, Scope scope) {
    return Values.isTrue(value(expression, scope));
  }

  private Object end(Optional<Expression> expression, Scope scope) {
    return expression.isPresent() ? value(expression.get(), scope) : null;
  }

  private List<Object> list(List<Expression> expressions, Scope scope) {
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression each : expressions) values.add(value(each, scope));
    return values;
  }

  private Map<Object, Object> map(Expression.MapOf expression, Scope scope) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (var entry : expression.entries()) {
      Object key = value(entry.getKey(), scope);
      if (key instanceof List || key instanceof Map || key instanceof Undefined)
        throw new TemplateException(
            expression.line(), "a key of a mapping cannot be " + Values.kind(key));
      map.put(key, value(entry.getValue(), scope));
    }
    return map;
  }

  private Inputs inputs(Expression.Arguments arguments, Scope scope, int line) {
    Map<String, Object> named = new LinkedHashMap<>();
    arguments.named().forEach((name, value) -> named.put(name, value(value, scope)));
    return new Inputs(list(arguments.positional(), scope), named, line, budget);
  }

  private Object call(Expression.Call call, Scope scope) {
    Object target = value(call.target(), scope);
    if (!(target instanceof Function function))
      throw new TemplateException(call.line(), Values.kind(target) + " cannot be called");
    return function.call(inputs(call.arguments(), scope, call.line()));
  }

  private Object unary(Expression.Unary unary, Scope scope) {
    Object value = value(unary.operand(), scope);
    return switch (unary.operator()) {
      case "not" -> !Values.isTrue(value);
      case "-" -> operators.negative(value, unary.line());
      default -> operators.negative(operators.negative(value, unary.line()), unary.line());
    };
  }

  private Object comparison(Expression.Comparison comparison, Scope scope) {
    Object left = value(comparison.first(), scope);
    for (var step : comparison.steps()) {
      Object right = value(step.right(), scope);
      if (!operators.compare(step.operator(), left, right, comparison.line())) return false;
      left = right;
    }
    return true;
  }

  private Object choice(Expression.Choice choice, Scope scope) {
    if (isTrue(choice.condition(), scope)) return value(choice.then(), scope);
    return choice.otherwise().isPresent()
        ? value(choice.otherwise().get(), scope)
        : new Undefined("an \"if\" without \"else\"");
  }
}
