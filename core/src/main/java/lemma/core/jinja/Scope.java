package lemma.core.jinja;

import java.util.HashMap;
import java.util.Map;

/// Names and their values; what is set in a loop or a macro is gone behind it.
record Scope(Scope outer, Map<String, Object> values) {

  Scope inner() {
    return new Scope(this, new HashMap<>());
  }

  void set(String name, Object value) {
    values.put(name, value);
  }

  Object get(String name) {
    for (Scope scope = this; scope != null; scope = scope.outer)
      if (scope.values.containsKey(name)) return scope.values.get(name);
    return new Values.Undefined("\"" + name + "\"");
  }
}
