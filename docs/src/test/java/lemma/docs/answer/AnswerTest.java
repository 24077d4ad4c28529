package lemma.docs.answer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lemma.proof.Refusal;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Front matter is complete and agrees with the file's place.
@DisplayNameGeneration(ReplaceUnderscores.class)
class AnswerTest {
  @TempDir Path folder;

  private Path page(String frontMatter) throws IOException {
    Path file = folder.resolve("norm").resolve("rms-norm.md");
    Files.createDirectories(file.getParent());
    return Files.writeString(file, frontMatter + "Text.\n");
  }

  @Test
  void a_complete_page_is_read() throws IOException {
    Answer answer =
        Answer.read(
            page(
                """
                ---
                id: rms-norm
                chapter: norm
                title: What?
                title-zh: 什么？
                notes: [N1 2.18.2, N3.25]
                claims:
                  b: First.
                  a: "Second: last."
                ---
                """));
    assertThat(answer.notes()).containsExactly("N1 2.18.2", "N3.25");
    assertThat(answer.claims())
        .containsExactly(
            java.util.Map.entry("b", "First."), java.util.Map.entry("a", "Second: last."));
    assertThat(answer.body()).isEqualTo("Text.\n");
  }

  @Test
  void what_is_missing_or_misplaced_is_named() {
    Refusal.of(() -> Answer.read(page("")), "rms-norm.md", "front matter");
    Refusal.of(
        () -> Answer.read(page("---\nid: rms-norm\nchapter: norm\ntitle: What?\n---\n")),
        "rms-norm.md",
        "title-zh");
    Refusal.of(
        () -> Answer.read(page("---\nid: rope\nchapter: norm\ntitle: A\ntitle-zh: 一\n---\n")),
        "rope.md");
    Refusal.of(
        () -> Answer.read(page("---\nid: rms-norm\nchapter: rope\ntitle: A\ntitle-zh: 一\n---\n")),
        "directory rope");
    Refusal.of(
        () -> Answer.read(page("---\nid: [rms-norm\n---\n")),
        "rms-norm.md",
        "front matter",
        "line");
    Refusal.of(
        () -> Answer.read(page("---\nid: rms-norm\nauthor: me\n---\n")), "rms-norm.md", "author");
  }
}
