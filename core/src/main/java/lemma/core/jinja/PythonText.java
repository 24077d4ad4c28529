package lemma.core.jinja;

import java.math.BigDecimal;
import java.util.Locale;

/// Strings and numbers as Python has them.
final class PythonText {
  private PythonText() {}

  /// What `str.isspace` says of a character.
  static boolean isSpace(int c) {
    return c >= 0x1c && c <= 0x20
        || c >= '\t' && c <= '\r'
        || c == 0x85
        || c == 0xa0
        || c > 0xff && (Character.isWhitespace(c) || Character.isSpaceChar(c));
  }

  static String stripStart(String text) {
    int from = 0;
    while (from < text.length() && isSpace(text.charAt(from))) from++;
    return text.substring(from);
  }

  static String stripEnd(String text) {
    int to = text.length();
    while (to > 0 && isSpace(text.charAt(to - 1))) to--;
    return text.substring(0, to);
  }

  /// Without the characters of a set at the start, at the end, or both.
  static String strip(String text, String characters, boolean start, boolean end) {
    int from = 0;
    int to = text.length();
    while (start && from < to && characters.indexOf(text.codePointAt(from)) >= 0)
      from += Character.charCount(text.codePointAt(from));
    while (end && to > from && characters.indexOf(text.codePointBefore(to)) >= 0)
      to -= Character.charCount(text.codePointBefore(to));
    return text.substring(from, to);
  }

  /// Every word with a capital first, the rest small; a word is a run of letters.
  static String title(String text) {
    StringBuilder title = new StringBuilder();
    boolean inWord = false;
    for (int c : text.codePoints().toArray()) {
      title.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inWord = Character.isLetter(c);
    }
    return title.toString();
  }

  /// The first character a capital, the rest small.
  static String capitalize(String text) {
    if (text.isEmpty()) return text;
    int end = text.offsetByCodePoints(0, 1);
    return new StringBuilder()
        .appendCodePoint(Character.toTitleCase(text.codePointAt(0)))
        .append(text.substring(end).toLowerCase(Locale.ROOT))
        .toString();
  }

  /// The characters behind the escapes of a string literal; an unknown escape stays as it is.
  static String unescape(String literal) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < literal.length(); i++) {
      char c = literal.charAt(i);
      if (c != '\\' || i + 1 == literal.length()) {
        text.append(c);
        continue;
      }
      char escape = literal.charAt(++i);
      int plain = "\\'\"abfnrtv0".indexOf(escape);
      int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : escape == 'U' ? 8 : 0;
      if (plain >= 0) {
        text.append("\\'\"\u0007\b\f\n\r\t\u000b\0".charAt(plain));
      } else if (digits > 0 && hexadecimal(literal, i + 1, digits)) {
        text.appendCodePoint(Integer.parseInt(literal, i + 1, i + 1 + digits, 16));
        i += digits;
      } else if (escape != '\n') { // a line break behind a backslash is none
        text.append('\\').append(escape);
      }
    }
    return text.toString();
  }

  private static boolean hexadecimal(String text, int from, int digits) {
    if (from + digits > text.length()) return false;
    String code = text.substring(from, from + digits);
    return code.matches("[0-9A-Fa-f]+") && Long.parseLong(code, 16) <= Character.MAX_CODE_POINT;
  }

  /// The shortest decimal number that is this one, as `repr` writes it.
  static String number(double value) {
    if (Double.isNaN(value)) return "nan";
    if (Double.isInfinite(value)) return value > 0 ? "inf" : "-inf";
    if (value == 0) return 1 / value < 0 ? "-0.0" : "0.0";
    BigDecimal decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = decimal.precision() - decimal.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = decimal.toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    String digits = decimal.unscaledValue().abs().toString();
    return (value < 0 ? "-" : "")
        + digits.charAt(0)
        + (digits.length() > 1 ? "." + digits.substring(1) : "")
        + String.format(Locale.ROOT, "e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
  }

  /// A string as `repr` writes it, in quotes.
  static String quoted(String text) {
    char quote = text.contains("'") && !text.contains("\"") ? '"' : '\'';
    StringBuilder quoted = new StringBuilder().append(quote);
    text.codePoints()
        .forEach(c -> {
          switch (c) {
            case '\n' -> quoted.append("\\n");
            case '\r' -> quoted.append("\\r");
            case '\t' -> quoted.append("\\t");
            case '\\' -> quoted.append("\\\\");
            default -> {
              if (c == quote) quoted.append('\\').append(quote);
              else if (c < 0x20 || c >= 0x7f && c < 0xa0)
                quoted.append(String.format(Locale.ROOT, "\\x%02x", c));
              else quoted.appendCodePoint(c);
            }
          }
        });
    return quoted.append(quote).toString();
  }
}
