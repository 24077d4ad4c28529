package lemma.docs.markdown;

import java.util.ArrayList;
import java.util.List;
import org.commonmark.node.Block;
import org.commonmark.parser.SourceLine;
import org.commonmark.parser.block.AbstractBlockParser;
import org.commonmark.parser.block.AbstractBlockParserFactory;
import org.commonmark.parser.block.BlockContinue;
import org.commonmark.parser.block.BlockStart;
import org.commonmark.parser.block.MatchedBlockParser;
import org.commonmark.parser.block.ParserState;

/// Takes `$$…$$` on lines of its own out before its lines can look like lists or headings.
final class DisplayMathParser extends AbstractBlockParser {
  private static final String FENCE = "$$";

  private final DisplayMath block = new DisplayMath();
  private final List<String> lines = new ArrayList<>();
  private boolean closed;

  static final class Factory extends AbstractBlockParserFactory {
    @Override
    public BlockStart tryStart(ParserState state, MatchedBlockParser matched) {
      CharSequence content = state.getLine().getContent();
      String line =
          content.subSequence(state.getNextNonSpaceIndex(), content.length()).toString().strip();
      if (state.getIndent() >= 4 || !line.startsWith(FENCE)) return BlockStart.none();
      String first = line.substring(FENCE.length());
      int close = first.indexOf(FENCE);
      if (close >= 0 && close + FENCE.length() < first.length())
        return BlockStart.none(); // text follows on the line: a formula within a paragraph
      return BlockStart.of(new DisplayMathParser(first)).atIndex(content.length());
    }
  }

  private DisplayMathParser(String first) {
    add(first);
  }

  private void add(String line) {
    int close = line.indexOf(FENCE);
    if (close >= 0) {
      closed = true;
      String after = line.substring(close + FENCE.length()).strip();
      if (!after.isEmpty())
        throw new IllegalArgumentException(
            "a line must end after the closing $$, was followed by \"" + after + "\"");
      lines.add(line.substring(0, close));
    } else {
      lines.add(line);
    }
  }

  @Override
  public Block getBlock() {
    return block;
  }

  @Override
  public void closeBlock() {
    if (!closed)
      throw new IllegalArgumentException(
          "no closing $$ for the formula " + String.join(" ", lines).strip());
    block.setLatex(String.join("\n", lines).strip());
  }

  @Override
  public BlockContinue tryContinue(ParserState state) {
    return closed ? BlockContinue.none() : BlockContinue.atIndex(state.getIndex());
  }

  @Override
  public void addLine(SourceLine line) {
    if (!closed) add(line.getContent().toString());
  }
}
