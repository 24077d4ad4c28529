package lemma.docs.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import tools.jackson.databind.json.JsonMapper;

/// The command line: exit codes, and failures in one line.
@DisplayNameGeneration(ReplaceUnderscores.class)
class LemmaTest {

  private record Said(int exit, String out, String err) {}

  private static Said run(String... arguments) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int exit =
        Lemma.run(
            arguments,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Said(
        exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  static Stream<Lemma.Entry> commands() {
    return Lemma.COMMANDS.stream();
  }

  @Test
  void without_arguments_it_says_what_there_is() {
    Said said = run();
    assertThat(said.exit()).isEqualTo(Lemma.OK);
    for (Lemma.Entry entry : Lemma.COMMANDS) assertThat(said.out()).contains(entry.name());
    assertThat(said.out().lines()).allMatch(line -> line.length() <= 100);
    assertThat(run("--help")).isEqualTo(said);
  }

  @ParameterizedTest
  @MethodSource("commands")
  void every_command_explains_itself(Lemma.Entry entry) {
    Said said = run(entry.name(), "--help");
    assertThat(said.exit()).isEqualTo(Lemma.OK);
    assertThat(said.err()).isEmpty();
    assertThat(said.out()).contains("Usage: lemma " + entry.name()).doesNotContain("--stacktrace");
    assertThat(new CommandLine(entry.type()).getCommandSpec().usageMessage().description())
        .as("description of " + entry.name())
        .isNotEmpty();
    assertThat(run("help", entry.name()).out()).isEqualTo(said.out());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          nonsense                 | no command "nonsense"; there are: tour, list
          list --nonsense          | Unknown option: '--nonsense'
          list --chapter nonsense  | no chapter "nonsense"; there are
          show                     | Missing required parameter: 'ID'
          show rmsnorm             | no answer "rmsnorm"; did you mean rms-norm
          prove rms_norm           | no answer "rms_norm"; did you mean rms-norm
          bench rms-norn           | no benchmark "rms-norn"; did you mean rms-norm
          site --serve many        | Invalid value for option '--serve'
          site --serve 70000       | must be a port from 0 to 65535, was 70000
          """)
  void a_mistake_is_one_line_on_stderr_and_exit_code_2(String line, String message) {
    Said said = run(line.strip().split(" "));
    assertThat(said.exit()).isEqualTo(Lemma.REFUSED);
    assertThat(said.out()).isEmpty();
    assertThat(said.err().lines()).hasSize(1);
    assertThat(said.err()).startsWith("lemma").contains(message);
  }

  @Test
  void the_trace_is_shown_on_request() {
    assertThat(run("show", "nonsense", "--stacktrace").err())
        .contains("\tat lemma.docs.")
        .endsWith(run("show", "nonsense").err());
  }

  @Test
  void a_directory_that_cannot_be_written_is_named(@TempDir Path folder) throws Exception {
    Path file = java.nio.file.Files.createFile(folder.resolve("file"));
    Said said = run("site", "--out", file.resolve("site").toString());
    assertThat(said.exit()).isEqualTo(Lemma.REFUSED);
    assertThat(said.err().lines()).hasSize(1);
    assertThat(said.err()).contains(file.toString());
  }

  @Test
  void list_speaks_json() {
    Said said = run("list", "--chapter", "norm", "--json");
    assertThat(said.exit()).isEqualTo(Lemma.OK);
    var answers = JsonMapper.shared().readTree(said.out()).get("answers");
    assertThat(answers.valueStream().map(answer -> answer.get("id").asString()))
        .contains("rms-norm");
    assertThat(answers.valueStream()).allMatch(a -> a.get("chapter").asString().equals("norm"));
  }

  @Test
  void show_tells_the_answer_with_code_and_verdicts() {
    Said said = run("show", "rms-norm");
    assertThat(said.exit()).isEqualTo(Lemma.OK);
    assertThat(said.out())
        .contains("Short answer", "简答", "core/src/main/java/lemma/core/norm/RmsNorm.java:")
        .contains("return x.div(rms).mul(gain);")
        .doesNotContain("```");
    assertThat(said.out().lines().filter(line -> !line.startsWith("    ")))
        .allMatch(line -> Table.width(line) <= 100);
  }
}
