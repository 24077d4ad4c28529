package lemma.sampling.constrain;

import java.util.Map;

/// Texts that a regular expression matches from end to end.
///
/// | written | matches |
/// |---|---|
/// | `abc` `a\|b` `(…)` `(?:…)` `(?<name>…)` | a sequence, alternatives, a group |
/// | `x?` `x*` `x+` `x{m}` `x{m,}` `x{m,n}` | repetitions; a lazy `?` behind them changes nothing |
/// | `[a-z_]` `[^"]` `.` | a character of a set, not of it, any but a line feed |
/// | `\d` `\w` `\s` `\D` `\W` `\S` | digits, word characters, white space (ASCII), and all others |
/// | `\n` `\r` `\t` `\f` `\x41` `\u0041` `\.` | a character |
/// | `^` `$` | nothing, in front and at the end, where they are implied |
///
/// What depends on more than the characters read so far, or changes what an expression means, is
/// refused by its name: look-around, back-references, word boundaries, possessive and atomic
/// groups, inline flags, Unicode properties.
///
/// A text is read byte by byte in linear time: there is no back-tracking.
public final class RegularExpression implements Constraint {
  private final String source;
  private final Network network;

  private RegularExpression(String source) {
    this.source = source;
    this.network = Network.of(Map.of("the pattern", RegexParser.parse(source)), "the pattern");
  }

  /// @throws IllegalArgumentException naming the construct and its position if it is not supported;
  ///     or if the expression needs more than [Network#MAX_STATES] states or matches nothing
  public static RegularExpression of(String pattern) {
    return new RegularExpression(pattern);
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public Network network() {
    return network;
  }
}
