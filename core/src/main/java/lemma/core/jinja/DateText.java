package lemma.core.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/// Dates as C's `strftime` writes them in English.
final class DateText {
  private static final Map<Character, String> PATTERNS =
      Map.ofEntries(
          Map.entry('d', "dd"),
          Map.entry('b', "MMM"),
          Map.entry('B', "MMMM"),
          Map.entry('m', "MM"),
          Map.entry('Y', "yyyy"),
          Map.entry('y', "yy"),
          Map.entry('a', "EEE"),
          Map.entry('A', "EEEE"),
          Map.entry('H', "HH"),
          Map.entry('I', "hh"),
          Map.entry('p', "a"),
          Map.entry('M', "mm"),
          Map.entry('S', "ss"),
          Map.entry('j', "DDD"),
          Map.entry('F', "yyyy-MM-dd"),
          Map.entry('T', "HH:mm:ss"));

  private DateText() {}

  static String of(String format, LocalDateTime time, Inputs inputs) {
    inputs.budget().charge(40L * format.length(), inputs.line());
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        text.append(c);
        continue;
      }
      char directive = format.charAt(++i);
      boolean bare = directive == '-' && i + 1 < format.length(); // %-d: without a zero in front
      if (bare) directive = format.charAt(++i);
      String pattern = PATTERNS.get(directive);
      if (directive == '%') text.append('%');
      else if (pattern == null) throw inputs.error("strftime has no %" + directive + " here");
      else {
        String part = DateTimeFormatter.ofPattern(pattern, Locale.US).format(time);
        text.append(bare ? part.replaceFirst("^0+(?=.)", "") : part);
      }
    }
    return text.toString();
  }
}
