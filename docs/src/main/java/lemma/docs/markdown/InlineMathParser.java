package lemma.docs.markdown;

import java.util.Set;
import org.commonmark.parser.beta.InlineContentParser;
import org.commonmark.parser.beta.InlineContentParserFactory;
import org.commonmark.parser.beta.InlineParserState;
import org.commonmark.parser.beta.ParsedInline;
import org.commonmark.parser.beta.Position;
import org.commonmark.parser.beta.Scanner;

/// Takes `$…$` and `$$…$$` out of a line before emphasis and escapes can touch them.
///
/// As in other Markdown dialects an opening dollar is followed by no space and a closing one is
/// preceded by none and followed by no digit, so that "$5 and $6" is money.
final class InlineMathParser implements InlineContentParser {

  static final class Factory implements InlineContentParserFactory {
    @Override
    public Set<Character> getTriggerCharacters() {
      return Set.of('$');
    }

    @Override
    public InlineContentParser create() {
      return new InlineMathParser();
    }
  }

  @Override
  public ParsedInline tryParse(InlineParserState state) {
    Scanner scanner = state.scanner();
    int dollars = scanner.matchMultiple('$');
    if (dollars > 2 || scanner.hasNext() && dollars == 1 && Character.isWhitespace(scanner.peek()))
      return ParsedInline.none();
    Position start = scanner.position();
    while (scanner.find('$') >= 0) {
      Position end = scanner.position();
      String latex = scanner.getSource(start, end).getContent();
      int closing = scanner.matchMultiple('$');
      boolean escaped = latex.endsWith("\\") && !latex.endsWith("\\\\");
      if (escaped || closing != dollars || latex.isBlank()) continue;
      if (dollars == 1
          && (Character.isWhitespace(latex.charAt(latex.length() - 1))
              || Character.isDigit(scanner.peek()))) continue;
      return ParsedInline.of(new InlineMath(latex.strip(), dollars == 2), scanner.position());
    }
    return ParsedInline.none();
  }
}
