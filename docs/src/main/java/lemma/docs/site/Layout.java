package lemma.docs.site;

import static lemma.docs.site.Html.escape;

import java.util.List;
import lemma.docs.answer.Answer;
import lemma.docs.answer.Answers;
import lemma.docs.answer.Chapter;
import lemma.docs.answer.Ledger;
import lemma.docs.answer.Ledger.Tally;
import lemma.docs.answer.Verdict;
import lemma.docs.markdown.Markdown;

/// The frame of every page: head, sidebar, contents, the way on; and the pages that only list.
final class Layout {
  private final String frame;
  private final Answers answers;
  private final Ledger ledger;

  Layout(String frame, Answers answers, Ledger ledger) {
    this.frame = frame;
    this.answers = answers;
    this.ledger = ledger;
  }

  /// The page of an answer.
  String answer(Answer answer, AnswerHtml.Rendered rendered) {
    var html = new StringBuilder();
    html.append(
        """
        <header class="title">
        <p class="kicker"><a href="../index.html#%s">%s</a> <span class="id">%s</span></p>
        <h1>%s</h1>
        <p class="zh" lang="zh-Hans">%s</p>
        <p class="facts">%s%s</p>
        </header>
        """
            .formatted(
                answer.chapter(),
                escape(answers.chapter(answer.chapter()).title()),
                escape(answer.id()),
                AnswerHtml.inline(answer.title()),
                AnswerHtml.inline(answer.titleZh()),
                tally(ledger.tally(answer)),
                notes(answer)));
    html.append(rendered.html()).append(wayOn(answer));
    return page(answer.title(), "../", answer, html.toString(), rendered);
  }

  private String notes(Answer answer) {
    var html = new StringBuilder();
    for (String note : answer.notes())
      html.append(
          "<a class=\"note\" href=\"../notes.html#%s\">%s</a>"
              .formatted(Html.slug(note), escape(note)));
    return html.toString();
  }

  private String wayOn(Answer answer) {
    List<Answer> all = answers.all();
    int place = all.indexOf(answer);
    var html = new StringBuilder("<nav class=\"way\" aria-label=\"Previous and next answer\">\n");
    if (place > 0) html.append(neighbour("prev", "← Previous", all.get(place - 1)));
    if (place < all.size() - 1) html.append(neighbour("next", "Next →", all.get(place + 1)));
    return html.append("</nav>\n").toString();
  }

  private static String neighbour(String rel, String label, Answer answer) {
    return "<a class=\"%s\" rel=\"%s\" href=\"../%s\"><span>%s</span>%s</a>\n"
        .formatted(rel, rel, Links.page(answer), label, AnswerHtml.inline(answer.title()));
  }

  /// The first page: what there is, how to use it, and the chapters.
  String home(String introduction) {
    Tally total = new Tally(0, 0, 0);
    for (Answer answer : answers.all()) total = total.plus(ledger.tally(answer));
    var chapters = new StringBuilder();
    for (Chapter chapter : answers.chapters()) chapters.append(chapter(chapter));
    String body =
        introduction
            .replace("{{answers}}", Integer.toString(answers.all().size()))
            .replace("{{claims}}", Integer.toString(total.claims()))
            .replace("{{tally}}", tally(total))
            .replace("{{chapters}}", chapters);
    return page("Lemma", "", null, body, null);
  }

  private String chapter(Chapter chapter) {
    Tally total = new Tally(0, 0, 0);
    var items = new StringBuilder();
    for (Answer answer : answers.in(chapter.id())) {
      total = total.plus(ledger.tally(answer));
      items.append(
          "<li><a href=\"%s\" title=\"%s\">%s</a></li>\n"
              .formatted(Links.page(answer), escape(answer.title()), escape(answer.id())));
    }
    return """
    <section class="chapter" id="%s">
    <h3>%s <span lang="zh-Hans">%s</span></h3>
    <p>%s</p>
    <ul>
    %s</ul>
    <p class="facts">%s</p>
    </section>
    """
        .formatted(
            chapter.id(),
            escape(chapter.title()),
            escape(chapter.titleZh()),
            escape(chapter.description()),
            items,
            tally(total));
  }

  /// The index by the items of the notes.
  String notes() {
    var body =
        new StringBuilder(
            """
            <header class="title"><h1>By the notes’ items</h1>
            <p class="zh" lang="zh-Hans">按笔记条目查找</p></header>
            <p>Reading an interview note? Find its item here: N1 2.18.2 is item 2.18.2 of the first
            note, N3.25 the twenty-fifth of the third.</p>
            """);
    String group = "";
    for (NotesIndex.Item item : NotesIndex.of(answers)) {
      if (!item.note().equals(group)) {
        if (!group.isEmpty()) body.append("</dl></section>\n");
        group = item.note();
        body.append(
            "<section class=\"section\" id=\"%s\"><h2>%s</h2>\n<dl class=\"notes\">\n"
                .formatted(Html.slug(group), escape(group)));
      }
      body.append("<dt id=\"%s\">%s</dt>\n".formatted(Html.slug(item.name()), escape(item.name())));
      for (Answer answer : item.answers())
        body.append(
            "<dd><a href=\"%s\">%s</a></dd>\n"
                .formatted(Links.page(answer), AnswerHtml.inline(answer.title())));
    }
    if (!group.isEmpty()) body.append("</dl></section>\n");
    return page("By the notes’ items", "", null, body.toString(), null);
  }

  /// How many claims hold, as badges.
  static String tally(Tally tally) {
    if (tally.claims() == 0) return "";
    var html = new StringBuilder();
    count(html, tally.proven(), Verdict.PROVEN);
    count(html, tally.failed(), Verdict.FAILED);
    count(html, tally.notRun(), Verdict.NOT_RUN);
    return html.toString();
  }

  private static void count(StringBuilder html, int count, Verdict verdict) {
    if (count > 0)
      html.append(Fences.verdict(verdict).replaceFirst("(?<=[✓✗○]) ", " " + count + " "));
  }

  private String page(
      String title, String root, Answer answer, String body, AnswerHtml.Rendered rendered) {
    String name = title.equals("Lemma") ? title : plain(title) + " · Lemma";
    String description =
        answer == null ? "Generative-AI interview answers that run." : plain(answer.title());
    String charts =
        rendered != null && rendered.charts()
            ? "<script defer src=\"" + root + "assets/echarts.min.js\"></script>"
            : "";
    return frame
        .replace("{{title}}", escape(name))
        .replace("{{description}}", escape(description))
        .replace("{{charts}}", charts)
        .replace("{{sidebar}}", sidebar(root, answer))
        .replace("{{contents}}", rendered == null ? "" : contents(rendered))
        .replace("{{kind}}", answer == null ? "listing" : "answer")
        .replace("{{root}}", root)
        .replace("{{body}}", body);
  }

  private static String plain(String markdown) {
    return Markdown.text(Markdown.parse(markdown));
  }

  private String sidebar(String root, Answer here) {
    var html = new StringBuilder();
    for (Chapter chapter : answers.chapters()) {
      boolean open = here != null && here.chapter().equals(chapter.id());
      html.append(
          "<details%s><summary>%s</summary>\n<ul>\n"
              .formatted(open ? " open" : "", escape(chapter.title())));
      for (Answer answer : answers.in(chapter.id()))
        html.append(
            "<li><a href=\"%s%s\"%s title=\"%s\">%s</a></li>\n"
                .formatted(
                    root,
                    Links.page(answer),
                    answer.equals(here) ? " aria-current=\"page\"" : "",
                    escape(answer.title()),
                    escape(answer.id())));
      html.append("</ul></details>\n");
    }
    return html.toString();
  }

  private static String contents(AnswerHtml.Rendered rendered) {
    var html =
        new StringBuilder(
            "<nav class=\"contents\" aria-label=\"On this page\">\n<p>On this page</p>\n<ul>\n");
    for (AnswerHtml.Section section : rendered.sections())
      html.append("<li><a href=\"#%s\">%s</a></li>\n".formatted(section.anchor(), section.title()));
    return html.append("</ul>\n</nav>").toString();
  }
}
