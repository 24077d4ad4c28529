package lemma.docs.site;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import lemma.docs.ProjectHome;
import lemma.docs.answer.Answer;
import lemma.docs.answer.Answers;
import lemma.docs.answer.Ledger;

/// Builds the handbook: an HTML page for every answer, the indexes, and what they load.
public final class Site {
  private final ProjectHome home;
  private final Answers answers;
  private final Ledger ledger;

  /// Reads answers and ledgers.
  ///
  /// @throws IllegalArgumentException naming the file if one cannot be understood
  public static Site read(ProjectHome home) throws IOException {
    return new Site(home, Answers.read(home), Ledger.read(home));
  }

  public Site(ProjectHome home, Answers answers, Ledger ledger) {
    this.home = home;
    this.answers = answers;
    this.ledger = ledger;
  }

  public int pages() {
    return answers.all().size() + 2;
  }

  /// Writes the site into `folder`, which may exist; tells `written` of every page.
  ///
  /// @throws IllegalArgumentException naming every page on which an anchor, figure or formula is
  ///     broken; the other pages are written
  public void write(Path folder, Consumer<Path> written) throws IOException {
    var layout = new Layout(Assets.read("page.html"), answers, ledger);
    var html = new AnswerHtml(new Fences(home, ledger), new Links(answers));
    Assets.write(folder.resolve("assets"));
    page(folder.resolve("index.html"), layout.home(Assets.read("home.html")), written);
    page(folder.resolve("notes.html"), layout.notes(), written);
    List<String> broken = new ArrayList<>();
    for (Answer answer : answers.all()) {
      try {
        String page = layout.answer(answer, html.render(answer));
        page(folder.resolve(Links.page(answer)), page, written);
      } catch (IllegalArgumentException e) {
        broken.add(e.getMessage());
      }
    }
    if (!broken.isEmpty()) throw new IllegalArgumentException(String.join("; ", broken));
    Files.writeString(
        folder.resolve("assets").resolve("search-index.js"), SearchIndex.script(answers));
  }

  private static void page(Path file, String html, Consumer<Path> written) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, html);
    written.accept(file);
  }
}
