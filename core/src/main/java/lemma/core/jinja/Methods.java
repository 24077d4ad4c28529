package lemma.core.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import lemma.core.jinja.Values.Function;
import lemma.core.jinja.Values.Undefined;

/// `x.name`: members of mappings and namespaces, and the methods of Python's strings and mappings
/// that change nothing.
final class Methods {
  private Methods() {}

  static Object attribute(Object target, String name, int line) {
    return switch (target) {
      case Undefined missing ->
          throw new TemplateException(
              line, "%s is undefined: it has no member \"%s\"".formatted(missing.what(), name));
      case Values.Namespace namespace when namespace.members().containsKey(name) ->
          namespace.members().get(name);
      case Map<?, ?> map -> member(map, name);
      case String text -> orUndefined(ofText(text, name), name);
      case List<?> list when name.equals("index") || name.equals("count") ->
          (Function) inputs -> inList(list, name, inputs);
      case List<?> _
          when List.of("append", "extend", "insert", "pop", "remove", "sort").contains(name) ->
          throw new TemplateException(line, "a list cannot be changed: use l + [item] for " + name);
      case null, default -> new Undefined("member \"" + name + "\"");
    };
  }

  private static Object orUndefined(Function method, String name) {
    return method != null ? method : new Undefined("member \"" + name + "\"");
  }

  private static Object member(Map<?, ?> map, String name) {
    Function method =
        switch (name) {
          case "items" ->
              inputs -> {
                inputs.expect(0);
                return pairs(map, inputs);
              };
          case "keys" ->
              inputs -> {
                inputs.expect(0);
                return new ArrayList<>(map.keySet());
              };
          case "values" ->
              inputs -> {
                inputs.expect(0);
                return new ArrayList<>(map.values());
              };
          case "get" ->
              inputs -> {
                inputs.expect(2);
                Object key = inputs.required(0, "key");
                return map.containsKey(key) ? map.get(key) : inputs.get(1, "default", null);
              };
          default -> null;
        };
    if (method != null) return method;
    return map.containsKey(name) ? map.get(name) : new Undefined("member \"" + name + "\"");
  }

  /// Key and value of every entry.
  static List<Object> pairs(Map<?, ?> map, Inputs inputs) {
    inputs.budget().chargeItems(2L * map.size(), inputs.line());
    List<Object> pairs = new ArrayList<>(map.size());
    map.forEach((key, value) -> {
      List<Object> pair = new ArrayList<>(2); // holds None, too
      pair.add(key);
      pair.add(value);
      pairs.add(pair);
    });
    return pairs;
  }

  private static Object inList(List<?> list, String name, Inputs inputs) {
    Object item = inputs.required(0, "value");
    inputs.budget().charge(list.size(), inputs.line());
    long count = 0;
    for (int i = 0; i < list.size(); i++) {
      if (!Values.equal(list.get(i), item, inputs.line())) continue;
      if (name.equals("index")) return (long) i;
      count++;
    }
    if (name.equals("index")) throw inputs.error("the list does not hold that item");
    return count;
  }

  /// `null` if strings have no such method here.
  private static Function ofText(String text, String name) {
    return switch (name) {
      case "strip" -> inputs -> stripped(text, inputs, true, true);
      case "lstrip" -> inputs -> stripped(text, inputs, true, false);
      case "rstrip" -> inputs -> stripped(text, inputs, false, true);
      case "split" -> inputs -> TextSplit.split(text, inputs);
      case "rsplit" -> inputs -> TextSplit.splitFromEnd(text, inputs);
      case "splitlines" -> inputs -> TextSplit.lines(text, inputs);
      case "startswith" -> inputs -> affix(text, inputs, true);
      case "endswith" -> inputs -> affix(text, inputs, false);
      case "removeprefix" ->
          inputs -> {
            String prefix = inputs.text(0, "prefix");
            return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
          };
      case "removesuffix" ->
          inputs -> {
            String suffix = inputs.text(0, "suffix");
            return text.endsWith(suffix)
                ? text.substring(0, text.length() - suffix.length())
                : text;
          };
      case "replace" -> inputs -> replaced(text, inputs);
      case "upper" -> inputs -> inputs.made(text.toUpperCase(Locale.ROOT));
      case "lower" -> inputs -> inputs.made(text.toLowerCase(Locale.ROOT));
      case "title" -> inputs -> inputs.made(PythonText.title(text));
      case "capitalize" -> inputs -> inputs.made(PythonText.capitalize(text));
      case "join" -> inputs -> joined(text, inputs.required(0, "items"), inputs);
      case "count" -> inputs -> occurrences(text, inputs.text(0, "part"), inputs);
      case "find" -> inputs -> position(text, text.indexOf(inputs.text(0, "part")));
      case "rfind" -> inputs -> position(text, text.lastIndexOf(inputs.text(0, "part")));
      case "isdigit" -> inputs -> !text.isEmpty() && text.codePoints().allMatch(Character::isDigit);
      case "isspace" ->
          inputs -> !text.isEmpty() && text.codePoints().allMatch(PythonText::isSpace);
      default -> null;
    };
  }

  private static long position(String text, int index) {
    return index < 0 ? -1 : text.codePointCount(0, index);
  }

  static String stripped(String text, Inputs inputs, boolean start, boolean end) {
    inputs.expect(1, "chars");
    inputs.budget().charge(text.length(), inputs.line());
    if (inputs.get(0, "chars", null) != null)
      return PythonText.strip(text, inputs.text(0, "chars"), start, end);
    String rest = start ? PythonText.stripStart(text) : text;
    return end ? PythonText.stripEnd(rest) : rest;
  }

  private static boolean affix(String text, Inputs inputs, boolean start) {
    inputs.expect(1);
    Object affix = inputs.required(0, "affix");
    List<?> affixes = affix instanceof List<?> list ? list : List.of(affix);
    for (Object each : affixes) {
      if (!(each instanceof String part))
        throw inputs.error("a string starts or ends with strings, not " + Values.kind(each));
      if (start ? text.startsWith(part) : text.endsWith(part)) return true;
    }
    return false;
  }

  /// The parts of a list as strings with a separator between them.
  static String joined(String separator, Object items, Inputs inputs) {
    StringBuilder text = new StringBuilder();
    boolean first = true;
    for (Object item : Values.items(items, inputs.line())) {
      String part = Values.text(item, inputs.line());
      inputs.budget().charge((long) part.length() + separator.length(), inputs.line());
      if (!first) text.append(separator);
      text.append(part);
      first = false;
    }
    return text.toString();
  }

  /// `text.replace(old, new, count)`: all of them if there is no count.
  static String replaced(String text, Inputs inputs) {
    inputs.expect(3, "old", "new", "count");
    String before = inputs.text(0, "old");
    String after = inputs.text(1, "new");
    long most = inputs.get(2, "count", null) == null ? -1 : inputs.integer(2, "count", -1);
    long count = occurrences(text, before, inputs);
    if (most >= 0) count = Math.min(count, most);
    inputs.budget().charge(text.length() + count * after.length(), inputs.line());
    StringBuilder result = new StringBuilder();
    int from = 0;
    for (long i = 0; i < count; i++) {
      int at = before.isEmpty() ? from : text.indexOf(before, from);
      result.append(text, from, at).append(after);
      from = at + before.length();
      if (before.isEmpty() && at < text.length()) {
        from = text.offsetByCodePoints(at, 1);
        result.append(text, at, from);
      }
    }
    return result.append(text.substring(from)).toString();
  }

  private static long occurrences(String text, String part, Inputs inputs) {
    inputs.budget().charge(text.length(), inputs.line());
    if (part.isEmpty()) return text.codePointCount(0, text.length()) + 1L;
    long count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) count++;
    return count;
  }
}
