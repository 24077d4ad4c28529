package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// What a tokenizer file looks for in a text: a string, or a regular expression.
///
/// Files write expressions in Oniguruma's Ruby syntax. Where Java writes the same thing in another
/// way, scripts such as `\p{Han}` and line ends at `^` and `$`, it is translated; what Java cannot
/// read is refused.
public final class TextPattern {
  private static final int LONGEST = 20_000;
  private static final int DEEPEST = 50;
  private static final Pattern SCRIPT =
      Pattern.compile(
          "\\\\([pP])\\{(Han|Hiragana|Katakana|Hangul|Latin|Greek|Cyrillic|Thai|Arabic)\\}");

  private final String source;
  private final Pattern pattern;

  private TextPattern(String source, Pattern pattern) {
    this.source = source;
    this.pattern = pattern;
  }

  /// A part of a text: a match, or what lies between two.
  public record Cut(int from, int to, boolean match) {}

  /// Matches a string; an empty one matches nowhere.
  public static TextPattern literal(String string) {
    return new TextPattern(
        string,
        string.isEmpty() ? Pattern.compile("(?!)") : Pattern.compile(string, Pattern.LITERAL));
  }

  /// Matches an expression as tokenizer files write it.
  ///
  /// @throws IllegalArgumentException if it is too long, nested too deeply or not understood
  public static TextPattern regex(String regex) {
    if (regex.length() > LONGEST)
      throw new IllegalArgumentException(
          "a pattern of %d characters is not supported".formatted(regex.length()));
    int depth = 0;
    for (int i = 0; i < regex.length(); i++) {
      if (regex.charAt(i) == '\\') i++;
      else if (regex.charAt(i) == '(' || regex.charAt(i) == '[') depth++;
      else if (regex.charAt(i) == ')' || regex.charAt(i) == ']') depth--;
      if (depth > DEEPEST)
        throw new IllegalArgumentException("a pattern nested so deeply is not supported");
    }
    try {
      return new TextPattern(
          regex,
          Pattern.compile(
              SCRIPT.matcher(regex).replaceAll("\\\\$1{Is$2}"),
              Pattern.UNICODE_CHARACTER_CLASS | Pattern.MULTILINE | Pattern.UNIX_LINES));
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "pattern %s is not supported: %s".formatted(regex, e.getDescription()), e);
    }
  }

  /// The string or expression as it was written.
  public String source() {
    return source;
  }

  /// The text with every match replaced.
  String replace(String text, String content) {
    return pattern.matcher(text).replaceAll(Matcher.quoteReplacement(content));
  }

  /// The text as matches and what lies between, in order and without a gap.
  public List<Cut> cuts(String text) {
    List<Cut> cuts = new ArrayList<>();
    int from = 0;
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      if (matcher.start() > from) cuts.add(new Cut(from, matcher.start(), false));
      cuts.add(new Cut(matcher.start(), matcher.end(), true));
      from = matcher.end();
    }
    if (from < text.length()) cuts.add(new Cut(from, text.length(), false));
    return cuts;
  }

  @Override
  public String toString() {
    return source;
  }
}
