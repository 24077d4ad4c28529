package lemma.docs.site;

import static lemma.docs.site.Html.escape;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lemma.docs.ProjectHome;
import lemma.docs.answer.BenchmarkResult;
import lemma.docs.answer.BenchmarkResult.Score;
import lemma.docs.answer.Numerals;
import lemma.docs.figure.Charts;
import lemma.docs.figure.Figure;

/// A technique's alternatives, timed: a chart of the forms over the sizes, and a table with ratios.
final class BenchmarkHtml {
  private BenchmarkHtml() {}

  /// The last result, or that there is none.
  static String of(String id, ProjectHome home) throws IOException {
    var found = BenchmarkResult.read(home, id);
    String command = "./lemma bench " + id;
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
    return FigureHtml.of(
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

  private static Optional<Score> find(List<Score> scores, String form, String parameters) {
    return scores.stream()
        .filter(score -> score.benchmark().equals(form) && score.parameters().equals(parameters))
        .findFirst();
  }
}
