package lemma.docs.command;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import lemma.docs.ProjectHome;
import lemma.docs.answer.Answer;
import lemma.docs.answer.BenchmarkResult;
import lemma.docs.answer.Excerpt;
import lemma.docs.answer.Ledger;
import lemma.docs.answer.Proof;
import lemma.docs.answer.Sources;
import lemma.docs.markdown.Directive;
import lemma.docs.markdown.DisplayMath;
import lemma.docs.markdown.Markdown;
import org.commonmark.ext.gfm.tables.TableBlock;
import org.commonmark.ext.gfm.tables.TableRow;
import org.commonmark.node.BulletList;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.Heading;
import org.commonmark.node.IndentedCodeBlock;
import org.commonmark.node.ListBlock;
import org.commonmark.node.Node;
import org.commonmark.node.OrderedList;
import org.commonmark.node.Paragraph;
import org.commonmark.node.StrongEmphasis;

/// An answer as text for the terminal.
final class TerminalPage {
  private static final int WIDTH = 96;
  private static final String MARGIN = "    ";

  private final ProjectHome home;
  private final Answer answer;
  private final Ledger ledger;
  private final StringBuilder text = new StringBuilder();

  private TerminalPage(ProjectHome home, Answer answer, Ledger ledger) {
    this.home = home;
    this.answer = answer;
    this.ledger = ledger;
  }

  static String of(ProjectHome home, Answer answer, Ledger ledger) throws IOException {
    var page = new TerminalPage(home, answer, ledger);
    page.text.append(Terminal.bold(answer.title())).append('\n');
    page.text.append(answer.titleZh()).append('\n');
    if (!answer.notes().isEmpty())
      page.text.append(Terminal.dim(String.join(" · ", answer.notes()))).append('\n');
    page.blocks(Markdown.parse(answer.body()), "");
    return page.text.toString();
  }

  private void blocks(Node parent, String indent) throws IOException {
    for (Node node = parent.getFirstChild(); node != null; node = node.getNext()) {
      if (!indent.isEmpty() && node == parent.getFirstChild()) block(node, indent);
      else {
        text.append('\n');
        block(node, indent);
      }
    }
  }

  private void block(Node node, String indent) throws IOException {
    switch (node) {
      case Heading heading ->
          text.append(indent).append(Terminal.bold(Markdown.text(heading))).append('\n');
      case Paragraph paragraph -> text.append(wrap(inline(paragraph), indent));
      case DisplayMath math -> math.plain().lines().forEach(line -> code(indent, line.strip()));
      case FencedCodeBlock fence -> fence(fence, indent);
      case IndentedCodeBlock block ->
          block.getLiteral().lines().forEach(line -> code(indent, line));
      case ListBlock list -> list(list, indent);
      case TableBlock table -> text.append(table(table).toString().indent(indent.length() + 2));
      default -> blocks(node, indent + "  ");
    }
  }

  private void code(String indent, String line) {
    text.append((indent + MARGIN + line).stripTrailing()).append('\n');
  }

  /// A paragraph's text; a bold beginning, as of a question, stays bold.
  private static String inline(Paragraph paragraph) {
    if (!(paragraph.getFirstChild() instanceof StrongEmphasis strong))
      return Markdown.text(paragraph);
    String bold = Markdown.text(strong);
    return Terminal.bold(bold) + Markdown.text(paragraph).substring(bold.length());
  }

  private void list(ListBlock list, String indent) throws IOException {
    int number =
        list instanceof OrderedList ordered && ordered.getMarkerStartNumber() != null
            ? ordered.getMarkerStartNumber()
            : 1;
    for (Node item = list.getFirstChild(); item != null; item = item.getNext()) {
      String mark = list instanceof BulletList ? "- " : number++ + ". ";
      int start = text.length();
      blocks(item, indent + " ".repeat(mark.length()));
      text.replace(start + indent.length(), start + indent.length() + mark.length(), mark);
    }
  }

  private static Table table(TableBlock block) {
    List<List<String>> rows = new ArrayList<>();
    for (Node part = block.getFirstChild(); part != null; part = part.getNext())
      for (Node row = part.getFirstChild(); row != null; row = row.getNext())
        if (row instanceof TableRow) rows.add(cells(row));
    var table = new Table(rows.getFirst().toArray(String[]::new));
    for (List<String> row : rows.subList(1, rows.size())) table.row(row.toArray());
    return table;
  }

  private static List<String> cells(Node row) {
    List<String> cells = new ArrayList<>();
    for (Node cell = row.getFirstChild(); cell != null; cell = cell.getNext())
      cells.add(Markdown.text(cell));
    return cells;
  }

  private void fence(FencedCodeBlock fence, String indent) throws IOException {
    var directive = Directive.of(fence);
    if (directive.isEmpty()) {
      fence.getLiteral().lines().forEach(line -> code(indent, line));
      return;
    }
    switch (directive.get()) {
      case Directive.Source source -> {
        Excerpt excerpt = new Sources(home).cut(source.module(), source.anchor());
        text.append(indent).append(Terminal.dim(excerpt.place())).append("\n\n");
        excerpt.code().lines().forEach(line -> code(indent, line));
      }
      case Directive.Proofs proofs -> proofs(proofs.id());
      case Directive.Bench bench -> {
        var result = BenchmarkResult.read(home, bench.id());
        text.append(
            result.isPresent()
                ? BenchCommand.table(result.get())
                : "Not yet measured: ./lemma bench " + bench.id() + "\n");
      }
      case Directive.Figure figure ->
          text.append(indent)
              .append(Terminal.dim("[figure " + figure.name() + ": ./lemma site draws it]"))
              .append('\n');
    }
  }

  private void proofs(String id) {
    if (!id.equals(answer.id()))
      throw new IllegalArgumentException(
          "%s: proofs must name its own id, was %s".formatted(answer.file(), id));
    answer
        .claims()
        .forEach((claim, sentence) -> {
          String verdict = ledger.verdict(id, claim).toString();
          text.append(Terminal.verdict("%-8s".formatted(verdict).strip()))
              .append(" ".repeat(9 - verdict.length()))
              .append(wrap(sentence, " ".repeat(9)).stripLeading());
          for (Proof proof : ledger.of(id, claim)) {
            String figures = String.join("; ", proof.figures());
            if (!figures.isEmpty())
              text.append(Terminal.dim(wrap(figures, " ".repeat(9)).stripTrailing())).append('\n');
          }
        });
  }

  /// Breaks lines at spaces, and between ideographs.
  private static String wrap(String paragraph, String indent) {
    var wrapped = new StringBuilder();
    var line = new StringBuilder(indent);
    for (String word : paragraph.split("(?<= )|(?=[\u2e80-\uffef])(?![、。，：；！？）”’])")) {
      if (Table.width(line.toString()) + Table.width(word.stripTrailing()) > WIDTH
          && line.length() > indent.length()) {
        wrapped.append(line.toString().stripTrailing()).append('\n');
        line = new StringBuilder(indent);
      }
      line.append(word);
    }
    return wrapped.append(line.toString().stripTrailing()).append('\n').toString();
  }
}
