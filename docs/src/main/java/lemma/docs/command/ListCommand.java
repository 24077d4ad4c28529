package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import lemma.docs.ProjectHome;
import lemma.docs.answer.Answer;
import lemma.docs.answer.Answers;
import lemma.docs.answer.Chapter;
import lemma.docs.answer.Ledger;
import lemma.docs.answer.Ledger.Tally;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Every technique, by chapter, with the verdict of its claims.
@Command(description = "Lists every technique by chapter, with how many of its claims are proven.")
final class ListCommand implements Callable<Integer> {

  @Option(
      names = "--chapter",
      paramLabel = "CHAPTER",
      description = "only this chapter: a directory of docs/answers, such as norm")
  private String chapter;

  @Option(names = "--json", description = "print JSON")
  private boolean json;

  @Spec private CommandSpec spec;

  private record Line(
      String id, String chapter, String title, String titleZh, List<String> notes, Tally claims) {}

  @Override
  public Integer call() throws IOException {
    ProjectHome home = ProjectHome.find();
    Answers answers = Answers.read(home);
    Ledger ledger = Ledger.read(home);
    List<Chapter> chapters =
        chapter == null ? answers.chapters() : List.of(answers.chapter(chapter));
    PrintWriter out = spec.commandLine().getOut();
    if (json) printJson(chapters, answers, ledger, out);
    else print(chapters, answers, ledger, out);
    return Lemma.OK;
  }

  private static void printJson(
      List<Chapter> chapters, Answers answers, Ledger ledger, PrintWriter out) {
    List<Line> lines =
        chapters.stream()
            .flatMap(chapter -> answers.in(chapter.id()).stream())
            .map(answer -> line(answer, ledger))
            .toList();
    out.println(
        JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build()
            .writeValueAsString(Map.of("answers", lines)));
  }

  private static Line line(Answer answer, Ledger ledger) {
    return new Line(
        answer.id(),
        answer.chapter(),
        answer.title(),
        answer.titleZh(),
        answer.notes(),
        ledger.tally(answer));
  }

  private static void print(
      List<Chapter> chapters, Answers answers, Ledger ledger, PrintWriter out) {
    int width = answers.all().stream().mapToInt(answer -> answer.id().length()).max().orElse(0);
    for (Chapter chapter : chapters) {
      out.println(
          Terminal.bold(chapter.title())
              + Terminal.dim("  " + chapter.titleZh() + " · " + chapter.id()));
      for (Answer answer : answers.in(chapter.id()))
        out.printf(
            "  %-" + width + "s  %-14s %s%n", answer.id(), ledger.tally(answer), answer.title());
    }
    if (!ledger.missing().isEmpty())
      out.println(
          "\nNo proofs were run yet in "
              + String.join(", ", ledger.missing())
              + ": ./lemma prove ID runs one technique's, ./mvnw verify all.");
  }
}
