package lemma.core.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lemma.core.jinja.Values.Function;
import lemma.core.jinja.Values.Undefined;

/// What statements write.
final class Renderer {
  private enum Flow {
    ON,
    BREAK,
    CONTINUE
  }

  private final Budget budget;
  private final Evaluator evaluator;

  Renderer(Budget budget) {
    this.budget = budget;
    evaluator = new Evaluator(budget);
  }

  String text(List<Statement> statements, Scope scope) {
    StringBuilder out = new StringBuilder();
    run(statements, scope, out);
    return out.toString();
  }

  private Flow run(List<Statement> statements, Scope scope, StringBuilder out) {
    for (Statement statement : statements) {
      Flow flow = run(statement, scope, out);
      if (flow != Flow.ON) return flow;
    }
    return Flow.ON;
  }

  private Flow run(Statement statement, Scope scope, StringBuilder out) {
    switch (statement) {
      case Statement.Text text -> write(text.text(), text.line(), out);
      case Statement.Output output -> {
        Object value = evaluator.value(output.value(), scope);
        write(Values.text(value, output.value().line()), output.value().line(), out);
      }
      case Statement.If conditional -> {
        return conditional(conditional, scope, out);
      }
      case Statement.For loop -> {
        return loop(loop, scope, out);
      }
      case Statement.SetNames set -> {
        Object value = evaluator.value(set.value(), scope);
        assign(set.names(), value, scope, set.line());
      }
      case Statement.SetMember set -> {
        if (!(scope.get(set.namespace()) instanceof Values.Namespace namespace))
          throw new TemplateException(set.line(), set.namespace() + " is no namespace");
        namespace.members().put(set.member(), evaluator.value(set.value(), scope));
      }
      case Statement.SetText set -> scope.set(set.name(), text(set.body(), scope.inner()));
      case Statement.Macro macro -> scope.set(macro.name(), macro(macro, scope));
      case Statement.Group group -> {
        return run(group.body(), scope, out);
      }
      case Statement.Break _ -> {
        return Flow.BREAK;
      }
      case Statement.Continue _ -> {
        return Flow.CONTINUE;
      }
    }
    return Flow.ON;
  }

  private void write(String text, int line, StringBuilder out) {
    budget.charge(text.length(), line);
    out.append(text);
  }

  private Flow conditional(Statement.If conditional, Scope scope, StringBuilder out) {
    for (var branch : conditional.branches())
      if (evaluator.isTrue(branch.condition(), scope)) return run(branch.body(), scope, out);
    return run(conditional.otherwise(), scope, out);
  }

  private static void assign(List<String> names, Object value, Scope scope, int line) {
    if (names.size() == 1) {
      scope.set(names.getFirst(), value);
      return;
    }
    List<?> values = Values.items(value, line);
    if (values.size() != names.size())
      throw new TemplateException(
          line, "%d values for %d names".formatted(values.size(), names.size()));
    for (int i = 0; i < names.size(); i++) scope.set(names.get(i), values.get(i));
  }

  private Flow loop(Statement.For loop, Scope scope, StringBuilder out) {
    List<Object> items = new ArrayList<>();
    List<?> all = Values.items(evaluator.value(loop.items(), scope), loop.line());
    budget.chargeItems(all.size(), loop.line());
    for (Object item : all) {
      if (loop.condition().isPresent()) {
        Scope inner = scope.inner();
        assign(loop.targets(), item, inner, loop.line());
        if (!evaluator.isTrue(loop.condition().get(), inner)) continue;
      }
      items.add(item);
    }
    if (items.isEmpty()) return run(loop.otherwise(), scope.inner(), out);
    for (int i = 0; i < items.size(); i++) {
      budget.charge(1, loop.line());
      Scope inner = scope.inner();
      inner.set("loop", counters(items, i));
      assign(loop.targets(), items.get(i), inner, loop.line());
      if (run(loop.body(), inner, out) == Flow.BREAK) break;
    }
    return Flow.ON;
  }

  /// The variable `loop` in round i.
  private static Map<String, Object> counters(List<Object> items, int i) {
    int count = items.size();
    Map<String, Object> loop = new HashMap<>();
    loop.put("index0", (long) i);
    loop.put("index", i + 1L);
    loop.put("revindex0", count - i - 1L);
    loop.put("revindex", (long) count - i);
    loop.put("first", i == 0);
    loop.put("last", i == count - 1);
    loop.put("length", (long) count);
    loop.put("previtem", i > 0 ? items.get(i - 1) : new Undefined("the item before the first"));
    loop.put(
        "nextitem", i < count - 1 ? items.get(i + 1) : new Undefined("the item after the last"));
    loop.put(
        "cycle",
        (Function)
            inputs -> {
              if (inputs.positional().isEmpty()) throw inputs.error("cycle needs an argument");
              return inputs.positional().get(i % inputs.positional().size());
            });
    return loop;
  }

  private Function macro(Statement.Macro macro, Scope scope) {
    return inputs -> {
      budget.enter(inputs.line());
      inputs.expect(macro.parameters().size(), macro.parameters().keySet().toArray(String[]::new));
      Scope inner = scope.inner();
      int index = 0;
      for (var parameter : macro.parameters().entrySet()) {
        Object otherwise =
            parameter.getValue().isPresent() && !inputs.has(index, parameter.getKey())
                ? evaluator.value(parameter.getValue().get(), inner)
                : new Undefined("parameter \"" + parameter.getKey() + "\"");
        inner.set(parameter.getKey(), inputs.get(index++, parameter.getKey(), otherwise));
      }
      String text = text(macro.body(), inner);
      budget.leave();
      return text;
    };
  }
}
