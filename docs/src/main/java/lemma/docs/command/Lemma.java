package lemma.docs.command;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.OptionSpec;

/// The command line. A command is one picocli class and one line in [#COMMANDS].
///
/// Only the class of the command that was asked for is read, so that a short command starts fast.
///
/// | exit code | meaning |
/// |---|---|
/// | 0 | done |
/// | 1 | done, and a check failed (a proof that does not hold) |
/// | 2 | not done: one line on stderr says what was wrong, where, and what was expected |
public final class Lemma {
  static final int OK = 0;
  static final int FAILED = 1;
  static final int REFUSED = 2;

  private static final String STACKTRACE = "--stacktrace";

  /// A command's name, what it does in half a line, and its picocli class.
  record Entry(String name, String purpose, Class<?> type) {}

  /// Every command, in the order of the overview.
  static final List<Entry> COMMANDS =
      List.of(
          new Entry("tour", "a language model writes, an image model draws", TourCommand.class),
          new Entry("list", "every technique with its verdict, by chapter", ListCommand.class),
          new Entry("show", "an answer with its code and proofs", ShowCommand.class),
          new Entry("prove", "run the proofs of a technique", ProveCommand.class),
          new Entry("bench", "time the alternatives of a technique", BenchCommand.class),
          new Entry("site", "build the handbook as web pages, and serve it", SiteCommand.class),
          new Entry("generate", "continue a text with a language model", GenerateCommand.class),
          new Entry("tokenize", "split a text into a model's tokens", TokenizeCommand.class),
          new Entry("draw", "draw digits and letters with an image model", DrawCommand.class),
          new Entry("inspect", "list what a file of weights holds", InspectCommand.class),
          new Entry("convert", "turn weights into another kind of file", ConvertCommand.class),
          new Entry("count", "what a model takes to store, run and train", CountCommand.class),
          new Entry("bucket", "sort image sizes into aspect-ratio buckets", BucketCommand.class),
          new Entry("train", "train a shipped model again", TrainCommand.class));

  private Lemma() {}

  public static void main(String[] arguments) {
    drawOnTerminal();
    int exit = run(arguments, System.out, System.err);
    System.out.flush();
    System.exit(exit);
  }

  /// Runs one command line; `out` takes results, `err` the one line that says what was wrong.
  static int run(String[] arguments, PrintStream out, PrintStream err) {
    List<String> words = List.of(arguments);
    if (words.isEmpty() || List.of("-h", "--help", "help").contains(words.get(0))) {
      if (words.size() > 1 && words.get(0).equals("help"))
        return run(new String[] {words.get(1), "--help"}, out, err);
      out.print(overview());
      return OK;
    }
    for (Entry entry : COMMANDS)
      if (entry.name().equals(words.get(0)))
        return execute(entry, Arrays.copyOfRange(arguments, 1, arguments.length), out, err);
    err.println(
        "lemma: no command \"%s\"; there are: %s"
            .formatted(
                words.get(0), String.join(", ", COMMANDS.stream().map(Entry::name).toList())));
    return REFUSED;
  }

  private static int execute(Entry entry, String[] arguments, PrintStream out, PrintStream err) {
    var line = new CommandLine(entry.type());
    line.setCommandName("lemma " + entry.name());
    addStandardOptions(line);
    line.setColorScheme(
        CommandLine.Help.defaultColorScheme(Terminal.styled() ? Ansi.ON : Ansi.OFF));
    line.setUsageHelpAutoWidth(false).setUsageHelpWidth(100);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setOut(new PrintWriter(out, true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(err, true, StandardCharsets.UTF_8));
    line.setParameterExceptionHandler((exception, given) -> {
      err.println(
          "lemma %s: %s (see ./lemma %s --help)"
              .formatted(entry.name(), Failure.oneLine(exception.getMessage()), entry.name()));
      return REFUSED;
    });
    line.setExecutionExceptionHandler((exception, command, parsed) -> {
      if (parsed.hasMatchedOption(STACKTRACE)) exception.printStackTrace(err);
      err.println("lemma " + entry.name() + ": " + Failure.explain(exception));
      return REFUSED;
    });
    int exit = line.execute(arguments);
    line.getOut().flush();
    return exit;
  }

  /// Gives a command, and those below it, `--help` and the hidden `--stacktrace`.
  private static void addStandardOptions(CommandLine line) {
    var spec = line.getCommandSpec();
    if (spec.findOption("--help") == null)
      spec.addOption(
          OptionSpec.builder("-h", "--help").usageHelp(true).description("say this").build());
    spec.addOption(OptionSpec.builder(STACKTRACE).type(boolean.class).hidden(true).build());
    line.getSubcommands().values().forEach(Lemma::addStandardOptions);
  }

  private static String overview() {
    var text = new StringBuilder("Lemma: generative-AI interview answers that run.\n\n");
    for (Entry entry : COMMANDS)
      text.append("  ./lemma %-9s %s%n".formatted(entry.name(), entry.purpose()));
    return text.append(
            "\nFor example ./lemma show rms-norm; every command explains itself with --help\n")
        .toString();
  }

  /// On a terminal the launcher keeps stderr open as descriptor 3, past its filter.
  private static void drawOnTerminal() {
    if (!Terminal.drawable()) return;
    try {
      System.setErr(
          new PrintStream(new FileOutputStream("/dev/fd/3", true), true, StandardCharsets.UTF_8));
    } catch (IOException e) {
      System.setProperty(Terminal.DRAWABLE, "false"); // stderr as it is, without progress
    }
  }
}
