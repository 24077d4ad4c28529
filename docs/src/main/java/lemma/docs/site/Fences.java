package lemma.docs.site;

import static lemma.docs.site.Html.escape;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lemma.docs.ProjectHome;
import lemma.docs.answer.Answer;
import lemma.docs.answer.BenchmarkResult;
import lemma.docs.answer.BenchmarkResult.Score;
import lemma.docs.answer.Excerpt;
import lemma.docs.answer.Ledger;
import lemma.docs.answer.Numerals;
import lemma.docs.answer.Proof;
import lemma.docs.answer.Sources;
import lemma.docs.answer.Verdict;
import lemma.docs.figure.Charts;
import lemma.docs.figure.Figure;
import lemma.docs.figure.Figures;
import lemma.docs.markdown.Directive;
import org.commonmark.node.FencedCodeBlock;

/// Puts code, proofs, benchmarks and figures in the place of the fences that ask for them.
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
        case Directive.Bench bench -> bench(bench);
        case Directive.Figure figure -> figure(Figures.draw(figure.name(), home));
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

  private String bench(Directive.Bench bench) throws IOException {
    var found = BenchmarkResult.read(home, bench.id());
    String command = "./lemma bench " + bench.id();
    if (found.isEmpty())
      return "<p class=\"rerun\">Not yet measured: <code>" + escape(command) + "</code></p>\n";
    BenchmarkResult result = found.get();
    Map<String, List<Score>> byUnit = new LinkedHashMap<>();
    for (Score score : result.scores())
      byUnit.computeIfAbsent(score.unit(), unit -> new ArrayList<>()).add(score);
    var html = new StringBuilder();
    byUnit.forEach((unit, scores) -> html.append(chart(unit, scores)).append(table(unit, scores)));
    return html.append(
            "<p class=\"rerun\">%s · %s · %s · <code>%s</code></p>\n"
                .formatted(
                    escape(result.machine()),
                    escape(result.jdk()),
                    escape(result.date()),
                    escape(result.command())))
        .toString();
  }

  private static String chart(String unit, List<Score> scores) {
    List<String> parameters = parameters(scores);
    List<Charts.Bars> bars = new ArrayList<>();
    for (String form : forms(scores)) {
      double[] values =
          parameters.stream()
              .mapToDouble(p -> find(scores, form, p).map(Score::score).orElse(Double.NaN))
              .toArray();
      bars.add(new Charts.Bars(form, values));
    }
    String less = scores.getFirst().rate() ? "more is better" : "less is better";
    return figure(
        new Figure.Chart(
            "Each form over the sizes; the axis grows by powers of ten, " + less + ".",
            Charts.bars("", parameters, Charts.Axis.log(unit + " (" + less + ")"), bars),
            320));
  }

  private static String table(String unit, List<Score> scores) {
    List<String> forms = forms(scores);
    var html =
        new StringBuilder(
            "<div class=\"scroll\" tabindex=\"0\"><table class=\"bench\">\n<thead><tr><th scope=\"col\">"
                + escape(unit)
                + "</th>");
    for (String form : forms)
      html.append("<th scope=\"col\">").append(escape(form)).append("</th>");
    html.append("</tr></thead>\n<tbody>\n");
    for (String parameters : parameters(scores)) {
      html.append("<tr><th scope=\"row\">").append(escape(parameters)).append("</th>");
      for (String form : forms)
        html.append(cell(find(scores, form, parameters).orElse(null), scores));
      html.append("</tr>\n");
    }
    return html.append("</tbody>\n</table></div>\n").toString();
  }

  private static String cell(Score score, List<Score> all) {
    if (score == null) return "<td></td>";
    double ratio = score.ratio(all);
    String error = Double.isNaN(score.error()) ? "" : " ± " + Numerals.format(score.error());
    return "<td%s><span class=\"score\">%s%s</span><span class=\"ratio\">%s</span></td>"
        .formatted(
            ratio == 1 ? " class=\"best\"" : "",
            Numerals.format(score.score()),
            "<span class=\"error\">" + error + "</span>",
            ratio == 1 ? "best" : "× " + Numerals.format(Math.round(ratio * 100) / 100.0));
  }

  private static List<String> parameters(List<Score> scores) {
    return scores.stream().map(Score::parameters).distinct().toList();
  }

  private static List<String> forms(List<Score> scores) {
    return scores.stream().map(Score::benchmark).distinct().toList();
  }

  private static java.util.Optional<Score> find(
      List<Score> scores, String form, String parameters) {
    return scores.stream()
        .filter(score -> score.benchmark().equals(form) && score.parameters().equals(parameters))
        .findFirst();
  }

  private static String figure(Figure figure) {
    String caption = escape(figure.caption());
    String content =
        switch (figure) {
          case Figure.Chart chart ->
              """
              <div class="chart" style="height:%dpx" role="img" aria-label="%s"><script type="application/json">%s</script></div>\
              """
                  .formatted(
                      chart.height(), caption, chart.option().toString().replace("</", "<\\/"));
          case Figure.Picture picture ->
              """
              <img alt="%s" width="%d" height="%d" src="data:image/png;base64,%s">\
              """
                  .formatted(
                      caption,
                      picture.width(),
                      picture.height(),
                      Base64.getEncoder().encodeToString(picture.png()));
          case Figure.Drawing drawing ->
              "<div class=\"drawing\" role=\"img\" aria-label=\"%s\">%s</div>"
                  .formatted(caption, drawing.svg());
        };
    return "<figure class=\"drawn\">\n%s\n<figcaption>%s</figcaption>\n</figure>\n"
        .formatted(content, caption);
  }
}
