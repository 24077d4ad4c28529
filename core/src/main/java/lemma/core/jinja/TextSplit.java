package lemma.core.jinja;

import java.util.ArrayList;
import java.util.List;

/// `split`, `rsplit` and `splitlines` of Python's strings.
final class TextSplit {
  private TextSplit() {}

  static List<Object> split(String text, Inputs inputs) {
    long most = most(text, inputs);
    if (inputs.get(0, "sep", null) == null) return charged(words(text, most), inputs);
    String separator = separator(inputs);
    List<Object> parts = new ArrayList<>();
    int from = 0;
    for (int at = text.indexOf(separator);
        at >= 0 && parts.size() < most;
        at = text.indexOf(separator, from)) {
      parts.add(text.substring(from, at));
      from = at + separator.length();
    }
    parts.add(text.substring(from));
    return charged(parts, inputs);
  }

  static List<Object> splitFromEnd(String text, Inputs inputs) {
    long most = most(text, inputs);
    String separator = separator(inputs);
    List<Object> parts = new ArrayList<>();
    int to = text.length();
    for (int at = text.lastIndexOf(separator);
        at >= 0 && parts.size() < most;
        at = to < separator.length() ? -1 : text.lastIndexOf(separator, to - separator.length())) {
      parts.addFirst(text.substring(at + separator.length(), to));
      to = at;
    }
    parts.addFirst(text.substring(0, to));
    return charged(parts, inputs);
  }

  private static long most(String text, Inputs inputs) {
    inputs.expect(2, "sep", "maxsplit");
    inputs.budget().charge(text.length(), inputs.line());
    long most = inputs.integer(1, "maxsplit", -1);
    return most < 0 ? Long.MAX_VALUE : most;
  }

  private static List<Object> charged(List<Object> parts, Inputs inputs) {
    inputs.budget().chargeItems(2L * parts.size(), inputs.line());
    return parts;
  }

  private static String separator(Inputs inputs) {
    String separator = inputs.text(0, "sep");
    if (separator.isEmpty()) throw inputs.error("the separator of split must not be empty");
    return separator;
  }

  /// Runs of what is no white space.
  private static List<Object> words(String text, long most) {
    List<Object> parts = new ArrayList<>();
    String rest = PythonText.stripStart(text);
    while (!rest.isEmpty() && parts.size() < most) {
      int to = 0;
      while (to < rest.length() && !PythonText.isSpace(rest.charAt(to))) to++;
      parts.add(rest.substring(0, to));
      rest = PythonText.stripStart(rest.substring(to));
    }
    if (!rest.isEmpty()) parts.add(PythonText.stripEnd(rest));
    return parts;
  }

  static List<Object> lines(String text, Inputs inputs) {
    inputs.expect(0);
    inputs.budget().charge(text.length(), inputs.line());
    return charged(new ArrayList<>(text.lines().toList()), inputs);
  }
}
