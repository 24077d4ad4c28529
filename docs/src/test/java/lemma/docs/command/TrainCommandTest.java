package lemma.docs.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lemma.core.story.StoryModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainCommandTest {

  private record Outcome(int exit, String out, String err) {}

  private static Outcome run(String... words) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int exit =
        Lemma.run(
            words,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Outcome(
        exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private static Path stories(Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(
        folder.resolve("a.txt"),
        IntStream.range(0, 25)
            .mapToObj(i -> "Tom saw %d cats in the garden. They ran away.".formatted(i))
            .collect(Collectors.joining("\n\n")));
    return folder;
  }

  @Test
  void a_model_is_trained_on_a_folder_of_texts_with_its_card_and_curve(@TempDir Path folder)
      throws IOException {
    Path data = stories(folder.resolve("data"));
    Path out = folder.resolve("out");
    Outcome outcome =
        run("train", "lm", "--steps", "1", "--data", data.toString(), "--out", out.toString());
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.exit()).isZero();
    assertThat(outcome.out()).contains("step 1 of 1", "held-out loss");
    assertThat(StoryModel.load(out).tokenizer().vocabularySize()).isBetween(257, 2048);
    assertThat(Files.readString(out.resolve("README.md")))
        .contains("24 written stories", "another 1,", "`./lemma train lm --steps 1 --seed 1`");
    assertThat(TrainLmCurve.read(out.resolve("curve.csv"), 1).last().step()).isOne();
    assertThat(out.resolve("checkpoint.safetensors")).doesNotExist();

    Outcome tokens = run("tokenize", "--model", out.toString(), "--json", "Tom saw <|endoftext|>");
    assertThat(tokens.exit()).isZero();
    assertThat(tokens.out()).contains("\"Tom", "<|endoftext|>");
  }

  @Test
  void what_does_not_work_is_said_in_one_line(@TempDir Path folder) throws IOException {
    String data = stories(folder.resolve("data")).toString();
    String nowhere = folder.resolve("none").toString();
    assertRefused(run("train"), "which model", "lm");
    assertRefused(run("train", "lm", "--data", nowhere), "none", "no such file");
    assertRefused(run("train", "lm", "--steps", "0", "--data", data), "steps", "0");
    assertRefused(run("train", "lm", "--threads", "0", "--data", data), "threads", "0");
    assertRefused(
        run("train", "lm", "--resume", "--out", nowhere, "--data", data),
        "checkpoint.safetensors",
        "no such file");
    Path started = Files.createDirectories(folder.resolve("started"));
    Files.createFile(started.resolve("checkpoint.safetensors"));
    assertRefused(
        run("train", "lm", "--out", started.toString(), "--data", data), "exists", "--resume");
    assertRefused(run("tokenize", "--model", nowhere, "x"), "none", "no such file");
    assertRefused(run("tokenize"), "TEXT");
  }

  private static void assertRefused(Outcome outcome, String... words) {
    assertThat(outcome.exit()).isEqualTo(2);
    assertThat(outcome.err()).contains(words).hasLineCount(1);
  }

  @Test
  void the_curve_is_kept_up_to_the_step_of_the_checkpoint(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("curve.csv");
    TrainLmCurve curve =
        TrainLmCurve.empty().with(50, 4.5, 4.25, 60).with(100, 4, 4.125, 30).with(150, 3, 4, 30);
    curve.write(file);
    assertThat(TrainLmCurve.read(file, 120).points()).isEqualTo(curve.points().subList(0, 2));
    assertThat(curve.last().seconds()).isEqualTo(120);
    assertThat(TrainLmCurve.read(folder.resolve("none.csv"), 9).isEmpty()).isTrue();
  }
}
