package lemma.docs.markdown;

import java.util.ArrayList;
import java.util.List;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.Code;
import org.commonmark.node.CustomNode;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.HardLineBreak;
import org.commonmark.node.Heading;
import org.commonmark.node.Node;
import org.commonmark.node.SoftLineBreak;
import org.commonmark.node.Text;
import org.commonmark.parser.Parser;

/// Parses the answers' Markdown.
public final class Markdown {
  private static final Parser PARSER =
      Parser.builder()
          .extensions(List.of(TablesExtension.create()))
          .customInlineContentParserFactory(new InlineMathParser.Factory())
          .customBlockParserFactory(new DisplayMathParser.Factory())
          .build();

  private Markdown() {}

  /// @throws IllegalArgumentException if a formula is not closed
  public static Node parse(String markdown) {
    return PARSER.parse(markdown);
  }

  /// What a node says, without its marks; formulas as plain text.
  public static String text(Node node) {
    var text = new StringBuilder();
    node.accept(
        new AbstractVisitor() {
          @Override
          public void visit(Text literal) {
            text.append(literal.getLiteral());
          }

          @Override
          public void visit(Code code) {
            text.append(code.getLiteral());
          }

          @Override
          public void visit(SoftLineBreak line) {
            boolean joins = line.getNext() != null && joins(text, text(line.getNext()));
            if (!joins) text.append(' ');
          }

          @Override
          public void visit(HardLineBreak line) {
            text.append(' ');
          }

          @Override
          public void visit(CustomNode custom) {
            if (custom instanceof InlineMath math) text.append(math.plain());
            else visitChildren(custom);
          }
        });
    return text.toString();
  }

  /// Whether a line break between the two is none: Chinese is written without spaces.
  public static boolean joins(CharSequence before, CharSequence after) {
    if (before.isEmpty() || after.isEmpty()) return false;
    char last = before.charAt(before.length() - 1);
    char first = after.charAt(0);
    return chinese(last) && chinese(first) || fullWidth(last) || fullWidth(first);
  }

  private static boolean chinese(char c) {
    return c >= 0x2e80 && c < 0xa000 || fullWidth(c) || "“”‘’…—".indexOf(c) >= 0;
  }

  /// Punctuation that brings its own space.
  private static boolean fullWidth(char c) {
    return "、。，；：！？（）《》「」".indexOf(c) >= 0;
  }

  /// Every directive, in the page's order.
  public static List<Directive> directives(Node page) {
    List<Directive> directives = new ArrayList<>();
    page.accept(
        new AbstractVisitor() {
          @Override
          public void visit(FencedCodeBlock fence) {
            Directive.of(fence).ifPresent(directives::add);
          }
        });
    return directives;
  }

  /// The headings of the second level, in the page's order.
  public static List<Heading> sections(Node page) {
    List<Heading> sections = new ArrayList<>();
    for (Node node = page.getFirstChild(); node != null; node = node.getNext())
      if (node instanceof Heading heading && heading.getLevel() == 2) sections.add(heading);
    return sections;
  }
}
