package lemma.core.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lemma.core.jinja.Values.Undefined;

/// `x[i]` and `x[start:stop:step]`; characters are code points, and −1 is the last.
final class Slices {
  private Slices() {}

  static Object item(Object target, Object index, int line) {
    return switch (target) {
      case Map<?, ?> map when map.containsKey(index) -> map.get(index);
      case List<?> list when index instanceof Long i -> {
        long at = i < 0 ? i + list.size() : i;
        yield at >= 0 && at < list.size() ? list.get((int) at) : missing(index);
      }
      case String text when index instanceof Long i -> {
        int[] characters = text.codePoints().toArray();
        long at = i < 0 ? i + characters.length : i;
        yield at >= 0 && at < characters.length
            ? Character.toString(characters[(int) at])
            : missing(index);
      }
      case Undefined nothing -> throw new TemplateException(line, nothing.what() + " is undefined");
      case null, default ->
          index instanceof String name ? Methods.attribute(target, name, line) : missing(index);
    };
  }

  private static Undefined missing(Object index) {
    return new Undefined("item " + Values.text(index, 0));
  }

  static Object slice(
      Object target, Object start, Object stop, Object step, int line, Budget budget) {
    return switch (target) {
      case List<?> list -> {
        List<Object> part = new ArrayList<>();
        for (int i : indices(list.size(), start, stop, step, line, budget)) part.add(list.get(i));
        yield part;
      }
      case String text -> {
        int[] characters = text.codePoints().toArray();
        StringBuilder part = new StringBuilder();
        for (int i : indices(characters.length, start, stop, step, line, budget))
          part.appendCodePoint(characters[i]);
        yield part.toString();
      }
      case Undefined _ -> List.of();
      case null, default ->
          throw new TemplateException(line, Values.kind(target) + " cannot be sliced");
    };
  }

  private static List<Integer> indices(
      int length, Object start, Object stop, Object step, int line, Budget budget) {
    budget.chargeItems(length, line);
    long by = bound(step, 1, line);
    if (by == 0) throw new TemplateException(line, "the step of a slice must not be 0");
    long least = by > 0 ? 0 : -1;
    long most = by > 0 ? length : length - 1;
    long from = start == null ? (by > 0 ? least : most) : bound(start, 0, line);
    long to = stop == null ? (by > 0 ? most : least) : bound(stop, 0, line);
    if (start != null) from = Math.clamp(from < 0 ? from + length : from, least, most);
    if (stop != null) to = Math.clamp(to < 0 ? to + length : to, least, most);
    List<Integer> indices = new ArrayList<>();
    if (Math.abs(by) > length) { // one at most, and no overflow
      if (by > 0 ? from < to : from > to) indices.add((int) from);
      return indices;
    }
    for (long i = from; by > 0 ? i < to : i > to; i += by) indices.add((int) i);
    return indices;
  }

  private static long bound(Object value, long otherwise, int line) {
    if (value == null) return otherwise;
    if (value instanceof Long number) return Math.clamp(number, -(1L << 40), 1L << 40);
    throw new TemplateException(line, "a slice needs integers, there is " + Values.kind(value));
  }
}
