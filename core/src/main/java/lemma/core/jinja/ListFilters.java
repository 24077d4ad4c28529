package lemma.core.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import lemma.core.jinja.Values.Undefined;

/// Jinja's filters of lists and mappings.
final class ListFilters {
  private final Operators operators;
  private final Predicates predicates;
  private final Filters filters;

  ListFilters(Operators operators, Predicates predicates, Filters filters) {
    this.operators = operators;
    this.predicates = predicates;
    this.filters = filters;
  }

  Object apply(String name, Object value, Inputs inputs) {
    return switch (name) {
      case "length", "count" -> length(value, inputs);
      case "list" -> new ArrayList<>(items(value, inputs));
      case "items" -> pairs(value, inputs);
      case "dictsort" -> sorted(pairs(value, inputs), pair -> ((List<?>) pair).get(0), inputs);
      case "join" -> joined(value, inputs);
      case "first" -> end(items(value, inputs), true);
      case "last" -> end(items(value, inputs), false);
      case "reverse" -> reversed(value, inputs);
      case "sort" -> sort(value, inputs);
      case "unique" -> unique(value, inputs);
      case "min" -> extreme(value, inputs, -1);
      case "max" -> extreme(value, inputs, 1);
      case "sum" -> sum(value, inputs);
      case "map" -> map(value, inputs);
      case "select" -> keep(value, inputs, chosen(inputs), true);
      case "reject" -> keep(value, inputs, chosen(inputs), false);
      case "selectattr" -> keep(value, inputs, chosenByMember(inputs), true);
      case "rejectattr" -> keep(value, inputs, chosenByMember(inputs), false);
      default -> throw inputs.error("filter \"" + name + "\" is not supported");
    };
  }

  private static List<?> items(Object value, Inputs inputs) {
    List<?> items = Values.items(value, inputs.line());
    inputs.budget().chargeItems(items.size(), inputs.line());
    return items;
  }

  private static long length(Object value, Inputs inputs) {
    return value instanceof String text
        ? text.codePointCount(0, text.length())
        : Values.items(value, inputs.line()).size();
  }

  private static List<Object> pairs(Object value, Inputs inputs) {
    if (value instanceof Undefined) return List.of();
    if (value instanceof Map<?, ?> map) return Methods.pairs(map, inputs);
    throw inputs.error("items needs a mapping, not " + Values.kind(value));
  }

  private static String joined(Object value, Inputs inputs) {
    inputs.expect(2, "d", "attribute");
    Object parts = value;
    if (inputs.has(1, "attribute")) {
      String member = inputs.text(1, "attribute");
      List<Object> members = new ArrayList<>();
      for (Object item : items(value, inputs)) members.add(member(item, member, inputs));
      parts = members;
    }
    return Methods.joined(inputs.text(0, "d", ""), parts, inputs);
  }

  private static Object end(List<?> items, boolean first) {
    if (items.isEmpty()) return new Undefined("an item of an empty list");
    return first ? items.getFirst() : items.getLast();
  }

  private static Object reversed(Object value, Inputs inputs) {
    if (value instanceof String text) return new StringBuilder(text).reverse().toString();
    return new ArrayList<>(items(value, inputs).reversed());
  }

  private Object sort(Object value, Inputs inputs) {
    inputs.expect(3, "reverse", "case_sensitive", "attribute");
    String member = inputs.text(2, "attribute", "");
    boolean exact = inputs.flag(1, "case_sensitive", false);
    List<Object> sorted =
        sorted(
            items(value, inputs),
            item -> {
              Object key = member.isEmpty() ? item : member(item, member, inputs);
              return key instanceof String text && !exact ? text.toLowerCase(Locale.ROOT) : key;
            },
            inputs);
    // what is equal keeps its order, in reverse as well
    if (!inputs.flag(0, "reverse", false)) return sorted;
    return sorted(sorted.reversed(), item -> item, inputs).reversed();
  }

  private List<Object> sorted(List<?> items, UnaryOperator<Object> key, Inputs inputs) {
    List<Object> sorted = new ArrayList<>(items);
    sorted.sort(Comparator.comparing(key, (a, b) -> operators.order("<", a, b, inputs.line())));
    return sorted;
  }

  private static List<Object> unique(Object value, Inputs inputs) {
    inputs.expect(0);
    List<Object> unique = new ArrayList<>();
    for (Object item : items(value, inputs)) {
      inputs.budget().charge(unique.size(), inputs.line());
      if (unique.stream().noneMatch(seen -> folded(seen, item, inputs))) unique.add(item);
    }
    return unique;
  }

  private static boolean folded(Object a, Object b, Inputs inputs) {
    return a instanceof String x && b instanceof String y
        ? x.toLowerCase(Locale.ROOT).equals(y.toLowerCase(Locale.ROOT))
        : Values.equal(a, b, inputs.line());
  }

  private Object extreme(Object value, Inputs inputs, int sign) {
    inputs.expect(0);
    Object best = null;
    boolean first = true;
    for (Object item : items(value, inputs)) {
      if (first || sign * operators.order("<", item, best, inputs.line()) > 0) best = item;
      first = false;
    }
    return first ? new Undefined("the extreme of an empty list") : best;
  }

  private Object sum(Object value, Inputs inputs) {
    inputs.expect(2, "attribute", "start");
    Object sum = inputs.get(1, "start", 0L);
    for (Object item : items(value, inputs)) {
      Object summand =
          inputs.has(0, "attribute") ? member(item, inputs.text(0, "attribute"), inputs) : item;
      sum = operators.binary("+", sum, summand, inputs.line());
    }
    return sum;
  }

  private List<Object> map(Object value, Inputs inputs) {
    List<Object> mapped = new ArrayList<>();
    boolean byMember = inputs.positional().isEmpty();
    if (byMember) inputs.expect(0, "attribute", "default");
    for (Object item : items(value, inputs)) {
      if (byMember) {
        Object found = member(item, inputs.text(0, "attribute"), inputs);
        boolean missing = found instanceof Undefined && inputs.named().containsKey("default");
        mapped.add(missing ? inputs.named().get("default") : found);
      } else {
        mapped.add(filters.apply(inputs.text(0, "filter"), item, inputs.rest(1)));
      }
    }
    return mapped;
  }

  private Predicate<Object> chosen(Inputs inputs) {
    if (inputs.positional().isEmpty()) return Values::isTrue;
    return item -> predicates.test(inputs.text(0, "test"), item, inputs.rest(1));
  }

  private Predicate<Object> chosenByMember(Inputs inputs) {
    String member = inputs.text(0, "attribute");
    Predicate<Object> chosen = chosen(inputs.rest(1));
    return item -> chosen.test(member(item, member, inputs));
  }

  private static List<Object> keep(
      Object value, Inputs inputs, Predicate<Object> chosen, boolean wanted) {
    List<Object> kept = new ArrayList<>();
    for (Object item : items(value, inputs)) if (chosen.test(item) == wanted) kept.add(item);
    return kept;
  }

  /// The member behind a path such as `function.name` or `0`.
  private static Object member(Object item, String path, Inputs inputs) {
    Object value = item;
    for (String name : path.split("\\.", -1)) {
      Object index = name.matches("[0-9]{1,9}") ? (Object) Long.valueOf(name) : name;
      value = Slices.item(value, index, inputs.line());
    }
    return value;
  }
}
