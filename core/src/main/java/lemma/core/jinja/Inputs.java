package lemma.core.jinja;

import java.util.List;
import java.util.Map;

/// The values of the arguments of a call, a filter or a test.
record Inputs(List<Object> positional, Map<String, Object> named, int line, Budget budget) {

  boolean has(int index, String name) {
    return index < positional.size() || named.containsKey(name);
  }

  Object get(int index, String name, Object otherwise) {
    if (index < positional.size()) return positional.get(index);
    return named.containsKey(name) ? named.get(name) : otherwise;
  }

  Object required(int index, String name) {
    if (!has(index, name)) throw error("argument " + name + " is missing");
    return get(index, name, null);
  }

  String text(int index, String name) {
    return text(name, required(index, name));
  }

  String text(int index, String name, String otherwise) {
    return text(name, get(index, name, otherwise));
  }

  private String text(String name, Object value) {
    if (value instanceof String text) return text;
    throw error(name + " must be a string, was " + Values.kind(value));
  }

  long integer(int index, String name, long otherwise) {
    Object value = get(index, name, otherwise);
    if (value instanceof Long || value instanceof Boolean) return Values.integer(value);
    throw error(name + " must be an integer, was " + Values.kind(value));
  }

  boolean flag(int index, String name, boolean otherwise) {
    return Values.isTrue(get(index, name, otherwise));
  }

  /// The arguments from the second on: those of a filter or test that the first one names.
  Inputs rest(int first) {
    return new Inputs(
        positional.subList(Math.min(first, positional.size()), positional.size()),
        named,
        line,
        budget);
  }

  /// Nothing is taken silently: an option that is not known here could change the text.
  void expect(int mostPositional, String... names) {
    if (positional.size() > mostPositional)
      throw error(
          "at most %d arguments are expected, there are %d"
              .formatted(mostPositional, positional.size()));
    for (String name : named.keySet())
      if (!List.of(names).contains(name)) throw error("argument " + name + " is not supported");
  }

  /// A string that is about to be made.
  String made(String text) {
    budget.charge(text.length(), line);
    return text;
  }

  TemplateException error(String message) {
    return new TemplateException(line, message);
  }
}
