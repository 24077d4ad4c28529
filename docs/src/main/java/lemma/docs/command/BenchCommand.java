package lemma.docs.command;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lemma.docs.ProjectHome;
import lemma.docs.answer.BenchmarkResult;
import lemma.docs.answer.BenchmarkResult.Score;
import lemma.docs.answer.Nearest;
import lemma.docs.answer.Numerals;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Times one technique's alternatives with JMH and keeps the result for the handbook.
@Command(
    description = {
      "Times a technique's alternatives with JMH, prints them beside the best, and keeps the result",
      "in docs/results/bench/ID.json, which the handbook charts."
    })
final class BenchCommand implements Callable<Integer> {
  private static final Pattern PROGRESS =
      Pattern.compile("# Run progress: ([0-9.]+)% complete, ETA (.*)");
  private static final String SUFFIX = "Benchmark.java";

  @Parameters(paramLabel = "ID", description = "the technique, such as rms-norm")
  private String id;

  @Option(
      names = "--quick",
      description = "a first look: one fork, short iterations; never replaces a full measurement")
  private boolean quick;

  @Option(names = "--json", description = "print JSON")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    ProjectHome home = ProjectHome.find();
    String benchmark = benchmark(home, id);
    Path jar = jar(home);
    Path raw = Files.createTempFile("lemma-bench", ".json");
    try {
      measure(jar, benchmark, raw);
      BenchmarkResult result = result(JsonMapper.shared().readTree(Files.readString(raw)));
      var out = spec.commandLine().getOut();
      if (json) out.println(JsonMapper.shared().writeValueAsString(result));
      else out.print(table(result));
      String kept = keep(home, result);
      if (!json) out.println("\n" + kept);
      return Lemma.OK;
    } finally {
      Files.deleteIfExists(raw);
    }
  }

  /// Keeps the result unless it says less than the one that is there, or nothing: every ratio is to
  /// the best, so the best must be sure. The others carry their error bars.
  private String keep(ProjectHome home, BenchmarkResult result) throws IOException {
    for (Score best : best(result))
      if (Double.isNaN(best.error()) || best.error() > best.score() / 2)
        return "not kept: %s with %s varies by %s around %s, the machine is too busy to compare on"
            .formatted(
                best.benchmark(),
                best.parameters(),
                Numerals.format(best.error()),
                Numerals.format(best.score()));
    BenchmarkResult before = BenchmarkResult.read(home, id).orElse(null);
    if (quick && before != null && !before.command().endsWith("--quick"))
      return "not kept: docs/results/bench/" + id + ".json has a full measurement";
    return "kept in " + home.relative(result.write(home));
  }

  private static List<Score> best(BenchmarkResult result) {
    return result.scores().stream().filter(score -> score.ratio(result.scores()) == 1).toList();
  }

  /// The benchmark class of a technique: `rms-norm` is timed by `RmsNormBenchmark`.
  private static String benchmark(ProjectHome home, String id) throws IOException {
    Path folder = home.path("benchmarks", "src", "main", "java");
    List<String> stems = new ArrayList<>();
    try (var walk = Files.walk(folder)) {
      for (Path file : walk.sorted().toList()) {
        String name = file.getFileName().toString();
        if (!name.endsWith(SUFFIX)) continue;
        String stem = name.substring(0, name.length() - SUFFIX.length());
        if (stem.equalsIgnoreCase(id.replace("-", ""))) return stem + "Benchmark";
        stems.add(stem.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "-").toLowerCase(Locale.ROOT));
      }
    }
    throw new IllegalArgumentException(
        "no benchmark \"%s\"; did you mean %s? %d techniques have one"
            .formatted(id, String.join(", ", Nearest.of(id, stems, 3)), stems.size()));
  }

  /// The benchmarks' jar, built if it is missing or older than a source.
  private static Path jar(ProjectHome home) throws IOException {
    Path jar = home.path("benchmarks", "target", "benchmarks.jar");
    if (Files.exists(jar) && !olderThanSources(home, jar)) return jar;
    if (Terminal.drawable()) System.err.println("building the benchmarks …");
    Maven.Outcome outcome =
        Maven.run(home, List.of("-DskipTests", "-pl", "benchmarks", "-am", "package"));
    if (outcome.exit() == 0) return jar;
    System.err.print(outcome.output());
    throw new IOException("the benchmarks could not be built, Maven ended with " + outcome.exit());
  }

  private static boolean olderThanSources(ProjectHome home, Path jar) throws IOException {
    var built = Files.getLastModifiedTime(jar);
    for (String module : List.of("core", "sampling", "diffusion", "benchmarks")) {
      Path sources = home.path(module, "src", "main");
      if (!Files.isDirectory(sources)) continue;
      try (var walk = Files.walk(sources)) {
        for (Path path : walk.toList())
          if (Files.getLastModifiedTime(path).compareTo(built) > 0) return true;
      }
    }
    return false;
  }

  private void measure(Path jar, String benchmark, Path raw) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                jar.toString(),
                "\\." + benchmark + "\\.",
                "-foe",
                "true",
                "-rf",
                "json",
                "-rff",
                raw.toString()));
    if (quick)
      command.addAll(List.of("-f", "1", "-wi", "3", "-w", "500ms", "-i", "5", "-r", "300ms"));
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    Process process = builder.start();
    var said = new StringBuilder();
    try (BufferedReader lines = process.inputReader();
        var progress = Progress.of("timing " + id, 1000)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher matcher = PROGRESS.matcher(line);
        if (matcher.matches())
          progress.at(
              Math.round(10 * Double.parseDouble(matcher.group(1))), matcher.group(2) + " left");
        said.append(line).append('\n');
      }
      if (process.waitFor() == 0) return;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      process.destroy();
    }
    System.err.print(said);
    throw new IOException("JMH did not finish " + benchmark);
  }

  private BenchmarkResult result(JsonNode runs) {
    List<Score> scores = new ArrayList<>();
    for (JsonNode run : runs) {
      String name = run.get("benchmark").asString();
      JsonNode metric = run.get("primaryMetric");
      Map<String, String> params = new java.util.LinkedHashMap<>();
      if (run.has("params"))
        run.get("params")
            .properties()
            .forEach(p -> params.put(p.getKey(), p.getValue().asString()));
      scores.add(
          new Score(
              name.substring(name.lastIndexOf('.') + 1),
              params,
              run.get("mode").asString(),
              metric.get("score").asDouble(),
              metric.get("scoreError").asDouble(Double.NaN),
              metric.get("scoreUnit").asString()));
    }
    return new BenchmarkResult(
        id,
        Machine.name(),
        "JDK " + Runtime.version() + ", " + System.getProperty("java.vm.vendor"),
        LocalDate.now().toString(),
        "./lemma bench " + id + (quick ? " --quick" : ""),
        scores);
  }

  static String table(BenchmarkResult result) {
    var table = new Table("parameters", "alternative", "score", "±", "unit", "times the best");
    List<Score> sorted = new ArrayList<>(result.scores());
    List<String> order = sorted.stream().map(Score::parameters).distinct().toList();
    sorted.sort(
        java.util.Comparator.<Score>comparingInt(score -> order.indexOf(score.parameters()))
            .thenComparingDouble(score -> score.ratio(result.scores())));
    for (Score score : sorted)
      table.row(
          score.parameters(),
          score.benchmark(),
          Numerals.format(score.score()),
          Numerals.format(score.error()),
          score.unit(),
          "%.2f".formatted(score.ratio(result.scores())));
    return table + "\n" + result.machine() + " · " + result.jdk() + " · " + result.date() + "\n";
  }
}
