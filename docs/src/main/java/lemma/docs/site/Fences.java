package lemma.docs.site;

import static lemma.docs.site.Html.escape;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import lemma.docs.ProjectHome;
import lemma.docs.answer.Answer;
import lemma.docs.answer.Excerpt;
import lemma.docs.answer.Ledger;
import lemma.docs.answer.Proof;
import lemma.docs.answer.Sources;
import lemma.docs.answer.Verdict;
import lemma.docs.figure.Figures;
import lemma.docs.markdown.Directive;
import org.commonmark.node.FencedCodeBlock;

/// Puts code and proofs, benchmarks ([BenchmarkHtml]) and figures ([FigureHtml]) in the place of the
/// fences that ask for them.
final class Fences {
  private final ProjectHome home;
  private final Ledger ledger;
  private final Sources sources;

  Fences(ProjectHome home, Ledger ledger) {
    this.home = home;
    this.ledger = ledger;
    this.sources = new Sources(home);
  }

  String html(FencedCodeBlock fence, Answer answer) {
    try {
      var directive = Directive.of(fence);
      if (directive.isEmpty()) return code(fence);
      return switch (directive.get()) {
        case Directive.Source source -> source(source);
        case Directive.Proofs proofs -> proofs(proofs, answer);
        case Directive.Bench bench -> BenchmarkHtml.of(bench.id(), home);
        case Directive.Figure figure -> FigureHtml.of(Figures.draw(figure.name(), home));
      };
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String code(FencedCodeBlock fence) {
    String language = fence.getInfo() == null ? "" : fence.getInfo().strip();
    String style = language.isEmpty() ? "nohighlight" : "language-" + escape(language);
    return "<pre tabindex=\"0\"><code class=\"%s\">%s</code></pre>\n"
        .formatted(style, escape(fence.getLiteral()));
  }

  private String source(Directive.Source source) throws IOException {
    Excerpt excerpt = sources.cut(source.module(), source.anchor());
    String path = excerpt.path();
    int name = path.lastIndexOf('/') + 1;
    return """
    <figure class="source">
    <figcaption title="%s"><span class="folder">%s</span>%s<span class="line">:%d</span></figcaption>
    <pre tabindex="0"><code class="language-java">%s</code></pre>
    </figure>
    """
        .formatted(
            escape(excerpt.place()),
            escape(path.substring(0, name)),
            escape(path.substring(name)),
            excerpt.firstLine(),
            escape(excerpt.code()));
  }

  private String proofs(Directive.Proofs proofs, Answer answer) {
    if (!proofs.id().equals(answer.id()))
      throw new IllegalArgumentException("proofs must name the page's own id, was " + proofs.id());
    var rows = new StringBuilder();
    answer.claims().forEach((claim, sentence) -> rows.append(row(answer.id(), claim, sentence)));
    return """
    <div class="scroll" tabindex="0"><table class="proofs">
    <thead><tr><th scope="col">Claim</th><th scope="col">Measured</th><th scope="col">Verdict</th></tr></thead>
    <tbody>
    %s</tbody>
    </table></div>
    <p class="rerun">Run them: <code>./lemma prove %s</code></p>
    """
        .formatted(rows, escape(answer.id()));
  }

  private String row(String id, String claim, String sentence) {
    List<Proof> tests = ledger.of(id, claim);
    var names = new StringBuilder();
    var figures = new StringBuilder();
    for (Proof test : tests) {
      String file = test.file().substring(test.file().lastIndexOf('/') + 1);
      names.append(
          "<span class=\"test\" title=\"%s:%d\">%s <span class=\"line\">%s:%d</span></span>"
              .formatted(
                  escape(test.path()),
                  test.line(),
                  escape(test.sentence()),
                  escape(file),
                  test.line()));
      for (String figure : test.figures())
        figures.append("<span class=\"figure\">").append(escape(figure)).append("</span>");
    }
    return """
    <tr id="claim-%s"><td><span class="claim">%s</span>%s</td><td class="measured">%s</td><td>%s</td></tr>
    """
        .formatted(
            escape(claim),
            AnswerHtml.inline(sentence),
            names,
            figures,
            verdict(ledger.verdict(id, claim)));
  }

  /// A verdict as a badge: sign and word, so that it does not rest on colour alone.
  static String verdict(Verdict verdict) {
    String sign =
        switch (verdict) {
          case PROVEN -> "✓";
          case FAILED -> "✗";
          case NOT_RUN -> "○";
        };
    return "<span class=\"verdict %s\">%s %s</span>"
        .formatted(verdict.toString().replace(' ', '-'), sign, verdict);
  }
}
