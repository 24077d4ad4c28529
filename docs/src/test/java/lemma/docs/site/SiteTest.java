package lemma.docs.site;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lemma.docs.ProjectHome;
import lemma.docs.answer.Answers;
import lemma.docs.answer.Ledger;
import lemma.proof.Refusal;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A small handbook of one page, built in a directory of its own.
@DisplayNameGeneration(ReplaceUnderscores.class)
class SiteTest {
  private static final String FRONT_MATTER =
      """
      ---
      id: circle
      chapter: norm
      title: How large is a circle?
      title-zh: 圆有多大？
      notes: [N1 2.10, N1 2.9]
      claims:
        area: It is $\\pi r^2$.
        girth: It is $2\\pi r$.
      ---
      """;

  @TempDir Path folder;

  @BeforeEach
  void project() throws IOException {
    write(
        "core/src/main/java/lemma/core/norm/Circle.java",
        "package lemma.core.norm;\nclass Circle {\n  <T> double area(double r) { return r; }\n}\n");
    write(
        "core/target/proofs.json",
        """
        [{"module": "core", "technique": "circle", "claim": "area", "sentence": "area grows", "verdict": "proven",
          "measured": {"max |Δ|": "3.3306690738754696E-16"}, "bounds": {"max |Δ|": "≤ 1.0E-12"},
          "seconds": 0.5, "cases": 1, "testClass": "lemma.core.norm.CircleTest",
          "method": "area_grows", "file": "lemma/core/norm/CircleTest.java", "line": 7}]
        """);
  }

  private void write(String path, String text) throws IOException {
    Path file = folder.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private String page(String body) throws IOException {
    write("docs/answers/norm/circle.md", FRONT_MATTER + body);
    var home = new ProjectHome(folder);
    Path out = folder.resolve("site");
    new Site(home, Answers.read(home), Ledger.read(home)).write(out, page -> {});
    return Files.readString(out.resolve("norm/circle.html"));
  }

  private static String fence(String info) {
    return "```" + info + "\n```\n";
  }

  @Test
  void formulas_reach_the_page_as_they_were_written() throws IOException {
    String page =
        page(
            """
            ## The formula

            With $a_1*b_2*c$ and $\\mathbf{x}_{i} < \\|y\\|$ it costs $5 or $6, or \\$7.

            $$
            \\begin{aligned}
            a &= b \\\\
            - c &= d_1
            \\end{aligned}
            $$

            | of | is |
            |---|---|
            | $r_1$ | $\\pi r_1^2$ |
            """);
    assertThat(page)
        .contains("<span class=\"math\">a_1*b_2*c</span>")
        .contains("<span class=\"math\">\\mathbf{x}_{i} &lt; \\|y\\|</span>")
        .contains("costs $5 or $6, or $7.")
        .contains(
            "<div class=\"math display\" tabindex=\"0\">\\begin{aligned}\na &amp;= b \\\\\n"
                + "- c &amp;= d_1\n\\end{aligned}</div>")
        .contains("<td><span class=\"math\">\\pi r_1^2</span></td>")
        .contains("</table></div>");
  }

  @Test
  void code_is_cut_from_the_sources_and_escaped() throws IOException {
    assertThat(page("## The code\n\n" + fence("source core norm/Circle#area")))
        .contains("&lt;T&gt; double area(double r) { return r; }")
        .contains("core/src/main/java/lemma/core/norm/Circle.java:3");
  }

  @Test
  void proofs_show_verdict_figures_and_tests() throws IOException {
    assertThat(page("## The proofs\n\n" + fence("proofs circle")))
        .contains("It is <span class=\"math\">\\pi r^2</span>.")
        .contains("max |Δ| 3.3e-16 ≤ 1e-12")
        .contains("area grows <span class=\"line\">CircleTest.java:7</span>")
        .containsOnlyOnce("<span class=\"verdict proven\">✓ proven</span>")
        .containsOnlyOnce("<span class=\"verdict not-run\">○ not run</span>");
  }

  @Test
  void a_benchmark_is_charted_with_its_ratios_or_said_to_be_missing() throws IOException {
    assertThat(page("## Timed\n\n" + fence("bench circle")))
        .contains("Not yet measured: <code>./lemma bench circle</code>");
    write(
        "docs/results/bench/circle.json",
        """
        {"id": "circle", "machine": "a machine", "jdk": "JDK 25", "date": "2026-01-01",
         "command": "./lemma bench circle", "scores": [
          {"benchmark": "formula", "params": {"dim": "8"}, "mode": "avgt", "score": 10.0,
           "error": 0.1, "unit": "us/op"},
          {"benchmark": "lanes", "params": {"dim": "8"}, "mode": "avgt", "score": 4.0,
           "error": "NaN", "unit": "us/op"}]}
        """);
    assertThat(page("## Timed\n\n" + fence("bench circle")))
        .contains(
            "<div class=\"chart\"", "assets/echarts.min.js", "a machine · JDK 25 · 2026-01-01")
        .contains("<span class=\"ratio\">× 2.5</span>", "<span class=\"ratio\">best</span>");
  }

  @Test
  void what_is_broken_fails_with_the_page_and_the_name() {
    Refusal.of(
        () -> page(fence("source core norm/Circle#girth")), "norm/circle.md", "girth", "area");
    Refusal.of(() -> page(fence("source core norm/Square")), "norm/circle.md", "Square.java");
    Refusal.of(() -> page(fence("figure nonsense")), "norm/circle.md", "nonsense", "rope-decay");
    Refusal.of(() -> page(fence("proofs square")), "norm/circle.md", "square");
    Refusal.of(() -> page(fence("proofs")), "norm/circle.md", "proofs ID");
    Refusal.of(() -> page("$$\na = b\n"), "norm/circle.md", "$$");
  }

  @Test
  void a_fence_of_another_language_stays_code() throws IOException {
    assertThat(page("```json\n{\"a\": 1}\n```\n"))
        .contains("<code class=\"language-json\">{&quot;a&quot;: 1}\n</code>");
  }

  @Test
  void indexes_list_the_page_in_the_notes_order() throws IOException {
    page("## Short answer\n\nLarge.\n");
    String notes = Files.readString(folder.resolve("site/notes.html"));
    assertThat(notes.indexOf("N1 2.9")).isBetween(0, notes.indexOf("N1 2.10"));
    assertThat(Files.readString(folder.resolve("site/index.html")))
        .contains("norm/circle.html", "✓ 1 proven", "○ 1 not run");
    assertThat(Files.readString(folder.resolve("site/assets/search-index.js")))
        .contains("\"circle\"", "圆有多大", "Large.");
  }

  @Test
  void a_page_needs_no_network() throws IOException {
    assertThat(page("## Short answer\n\nSee [the paper](https://arxiv.org/abs/1).\n"))
        .doesNotContainPattern("(src|<link[^>]*href)=\"(https?:)?//");
    for (String asset :
        new String[] {
          "katex/katex.min.css",
          "katex/katex.min.js",
          "katex/fonts/KaTeX_Main-Regular.woff2",
          "highlight.min.js",
          "echarts.min.js",
          "site.css",
          "site.js"
        }) assertThat(folder.resolve("site/assets").resolve(asset)).isNotEmptyFile();
  }

  @Test
  void lines_of_chinese_join_without_a_space() throws IOException {
    assertThat(page("## 简答\n\n面积随半径\n的平方增长。\n")).contains("面积随半径的平方增长。");
  }
}
