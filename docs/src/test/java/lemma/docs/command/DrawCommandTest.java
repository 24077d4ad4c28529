package lemma.docs.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `./lemma draw` with the shipped model, in as few steps as it can do.
@DisplayNameGeneration(ReplaceUnderscores.class)
class DrawCommandTest {

  @Test
  void draws_a_row_for_each_drawing_of_a_word(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("word.png");
    assertThat(
            draw("--class", "ab1", "--count", "2", "--steps", "2", "--size", "48", "--out", file))
        .contains("6 glyphs");
    var picture = ImageIO.read(file.toFile());
    assertThat(picture.getWidth()).isEqualTo((3 * 25 + 1) * 2); // a pixel of ground around each
    assertThat(picture.getHeight()).isEqualTo((2 * 25 + 1) * 2);
  }

  @Test
  void the_same_seed_draws_the_same_picture(@TempDir Path folder) throws IOException {
    Path first = folder.resolve("1.png");
    Path second = folder.resolve("2.png");
    Path other = folder.resolve("3.png");
    String[] schedulers = {
      "ddim",
      "ddpm",
      "euler",
      "euler_ancestral",
      "heun",
      "dpm2",
      "lms",
      "dpm_solver",
      "dpm_solver_sde",
      "unipc",
      "pndm"
    };
    for (String scheduler : schedulers) {
      draw("--class", "7", "--steps", "2", "--scheduler", scheduler, "--out", first);
      draw("--class", "7", "--steps", "2", "--scheduler", scheduler, "--out", second);
      draw("--class", "7", "--steps", "2", "--scheduler", scheduler, "--seed", "2", "--out", other);
      assertThat(Files.readAllBytes(second)).isEqualTo(Files.readAllBytes(first));
      assertThat(Files.readAllBytes(other)).isNotEqualTo(Files.readAllBytes(first));
    }
  }

  @Test
  void what_cannot_be_drawn_is_refused_in_one_line(@TempDir Path folder) {
    refused("digit 0-9 or a capital letter", "--class", "A?");
    refused("runs backwards", "--class", "9-0");
    refused("--steps must be between 1 and 1000, was 0", "--steps", "0");
    refused("--steps must be between 1 and 1000, was 1001", "--steps", "1001");
    refused("expected one of [DDIM, DDPM, EULER, ", "--scheduler", "rk45");
    refused("--eta belongs to --scheduler ddim", "--scheduler", "ddpm", "--eta", "1");
    refused("eta must lie in [0, 1], was 2.0", "--eta", "2");
    refused("--size must be a multiple of 24, was 100", "--size", "100");
    refused("--count must be between", "--count", "0");
    refused("guidance scale must be finite", "--guidance", "NaN");
    refused("no such file", "--model", folder);
  }

  private static String draw(Object... arguments) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int exit = run(out, err, arguments);
    assertThat(err.toString(StandardCharsets.UTF_8)).isEmpty();
    assertThat(exit).isEqualTo(Lemma.OK);
    return out.toString(StandardCharsets.UTF_8);
  }

  private static void refused(String reason, Object... arguments) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    assertThat(run(out, err, arguments)).isEqualTo(Lemma.REFUSED);
    assertThat(err.toString(StandardCharsets.UTF_8).strip()).contains(reason).doesNotContain("\n");
  }

  private static int run(
      ByteArrayOutputStream out, ByteArrayOutputStream err, Object... arguments) {
    String[] line = new String[arguments.length + 1];
    line[0] = "draw";
    for (int i = 0; i < arguments.length; i++) line[i + 1] = arguments[i].toString();
    return Lemma.run(
        line,
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8));
  }
}
