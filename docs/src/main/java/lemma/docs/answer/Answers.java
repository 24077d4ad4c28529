package lemma.docs.answer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lemma.docs.ProjectHome;

/// All answers, chapter by chapter in reading order, by title within a chapter.
public final class Answers {
  private final List<Chapter> chapters;
  private final Map<String, Answer> byId = new LinkedHashMap<>();

  private Answers(List<Chapter> chapters) {
    this.chapters = chapters;
  }

  /// Reads every page under `docs/answers`.
  ///
  /// @throws IllegalArgumentException if a page is malformed, lies in no known chapter, or two have
  ///     one id
  public static Answers read(ProjectHome home) throws IOException {
    var answers = new Answers(Chapter.all());
    Path folder = home.path("docs", "answers");
    List<Path> files;
    try (var walk = Files.walk(folder)) {
      files = walk.filter(file -> file.toString().endsWith(".md")).sorted().toList();
    }
    List<Answer> read = new ArrayList<>();
    for (Path file : files) read.add(Answer.read(file));
    for (Chapter chapter : answers.chapters)
      for (Answer answer : read) if (answer.chapter().equals(chapter.id())) answers.add(answer);
    for (Answer answer : read)
      if (!answers.byId.containsKey(answer.id()))
        throw new IllegalArgumentException(
            "%s: chapter %s is not in chapters.yaml".formatted(answer.file(), answer.chapter()));
    return answers;
  }

  private void add(Answer answer) {
    Answer other = byId.put(answer.id(), answer);
    if (other != null)
      throw new IllegalArgumentException(
          "%s and %s have one id".formatted(other.file(), answer.file()));
  }

  /// Every answer in reading order.
  public List<Answer> all() {
    return List.copyOf(byId.values());
  }

  /// The chapters that have answers, in reading order.
  public List<Chapter> chapters() {
    return chapters.stream().filter(chapter -> !in(chapter.id()).isEmpty()).toList();
  }

  public List<Answer> in(String chapter) {
    return byId.values().stream().filter(answer -> answer.chapter().equals(chapter)).toList();
  }

  public Optional<Answer> find(String id) {
    return Optional.ofNullable(byId.get(id));
  }

  /// The answer of that id.
  ///
  /// @throws IllegalArgumentException if there is none; the message names the nearest ids
  public Answer get(String id) {
    return find(id)
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no answer \"%s\"; did you mean %s? (./lemma list has all)"
                    .formatted(id, String.join(", ", Nearest.of(id, byId.keySet(), 3)))));
  }

  /// The chapter of that id.
  ///
  /// @throws IllegalArgumentException if it has no answers
  public Chapter chapter(String id) {
    for (Chapter chapter : chapters()) if (chapter.id().equals(id)) return chapter;
    throw new IllegalArgumentException(
        "no chapter \"%s\"; there are %s"
            .formatted(id, String.join(", ", chapters().stream().map(Chapter::id).toList())));
  }
}
