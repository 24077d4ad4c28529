package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import lemma.docs.ProjectHome;
import lemma.docs.answer.Answer;
import lemma.docs.answer.Answers;
import lemma.docs.answer.Ledger;
import lemma.docs.answer.Proof;
import lemma.docs.answer.Verdict;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Runs the test classes that prove one technique's claims, and says what they measured.
@Command(
    description = {
      "Runs exactly the tests that prove a technique's claims and prints a line for each claim.",
      "The exit code is 1 if a claim does not hold or has no proof."
    })
final class ProveCommand implements Callable<Integer> {

  @Parameters(paramLabel = "ID", description = "the technique, such as rms-norm")
  private String id;

  @Option(names = "--json", description = "print JSON")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    ProjectHome home = ProjectHome.find();
    Answer answer = Answers.read(home).get(id);
    Map<String, List<String>> tests = tests(home, id);
    if (tests.isEmpty())
      throw new IllegalArgumentException(
          "no test class has @Proves(\"%s\") in %s"
              .formatted(id, String.join(", ", ProjectHome.PROVING_MODULES)));
    for (var module : tests.entrySet()) run(home, module.getKey(), module.getValue());

    Ledger ledger = Ledger.read(home);
    List<Proof> proofs = ledger.of(id);
    PrintWriter out = spec.commandLine().getOut();
    if (json)
      out.println(
          JsonMapper.builder()
              .enable(SerializationFeature.INDENT_OUTPUT)
              .build()
              .writeValueAsString(Map.of("id", id, "proofs", proofs)));
    else out.print(table(answer, proofs));
    boolean holds =
        answer.claims().keySet().stream()
            .allMatch(claim -> ledger.verdict(id, claim) == Verdict.PROVEN);
    return holds ? Lemma.OK : Lemma.FAILED;
  }

  /// The test classes of each module that say `@Proves("id")`.
  private static Map<String, List<String>> tests(ProjectHome home, String id) throws IOException {
    Map<String, List<String>> tests = new TreeMap<>();
    for (String module : ProjectHome.PROVING_MODULES) {
      Path folder = home.path(module, "src", "test", "java");
      if (!Files.isDirectory(folder)) continue;
      try (var walk = Files.walk(folder)) {
        for (Path file : walk.filter(path -> path.toString().endsWith("Test.java")).toList())
          if (Files.readString(file).contains("@Proves(\"" + id + "\")"))
            tests
                .computeIfAbsent(module, m -> new ArrayList<>())
                .add(file.getFileName().toString().replace(".java", ""));
      }
    }
    return tests;
  }

  private void run(ProjectHome home, String module, List<String> classes) throws IOException {
    if (Terminal.drawable())
      System.err.println("running " + String.join(", ", classes) + " in " + module + " …");
    Path ledger = home.path(module, "target", "proofs.json");
    FileTime before = Files.exists(ledger) ? Files.getLastModifiedTime(ledger) : null;
    Maven.Outcome outcome =
        Maven.run(
            home,
            List.of(
                "-pl",
                module,
                "-am",
                "-Dtest=" + String.join(",", classes),
                "-Dsurefire.failIfNoSpecifiedTests=false",
                "test"));
    boolean ran = Files.exists(ledger) && !Files.getLastModifiedTime(ledger).equals(before);
    boolean explained =
        Ledger.read(home).of(id).stream().anyMatch(proof -> proof.verdict() == Verdict.FAILED);
    if (ran && (outcome.exit() == 0 || explained)) return;
    System.err.print(outcome.output());
    throw new IOException(
        "the tests of %s did not run as they should, Maven ended with %d"
            .formatted(module, outcome.exit()));
  }

  private static String table(Answer answer, List<Proof> proofs) {
    var table = new Table("claim", "verdict", "measured", "seconds");
    var text = new StringBuilder(Terminal.bold(answer.title()) + "\n\n");
    Map<String, String> claims = new LinkedHashMap<>(answer.claims());
    for (Proof proof : proofs) claims.putIfAbsent(proof.claim(), "not on the page");
    List<String> failures = new ArrayList<>();
    for (String claim : claims.keySet()) {
      List<Proof> own = proofs.stream().filter(proof -> proof.claim().equals(claim)).toList();
      if (own.isEmpty()) table.row(claim, Terminal.verdict("no proof"), "", "");
      for (Proof proof : own) {
        table.row(
            claim,
            Terminal.verdict(proof.verdict().toString()),
            String.join("; ", proof.figures()),
            "%.2f".formatted(proof.seconds()));
        if (proof.verdict() != Verdict.PROVEN)
          failures.add(
              "%s: %s (%s:%d)".formatted(claim, proof.sentence(), proof.path(), proof.line()));
      }
    }
    text.append(table);
    if (!failures.isEmpty())
      text.append("\nDoes not hold:\n  ").append(String.join("\n  ", failures)).append('\n');
    return text.toString();
  }
}
