package lemma.docs.answer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lemma.docs.ProjectHome;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// What JMH measured for one technique: `docs/results/bench/<id>.json`.
///
/// @param id the technique
/// @param machine the processor's name and its number of cores
/// @param jdk the JDK's version and vendor
/// @param date the day, ISO 8601
/// @param command the command that measures it again
/// @param scores one line for each alternative and parameters
public record BenchmarkResult(
    String id, String machine, String jdk, String date, String command, List<Score> scores) {

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /// @param benchmark the alternative: the benchmark method's name
  /// @param params JMH parameters by name
  /// @param mode `avgt` (time, less is better) or `thrpt` (rate, more is better), as JMH has them
  /// @param error half the width of the 99.9 % confidence interval; NaN if there is too little data
  public record Score(
      String benchmark,
      Map<String, String> params,
      String mode,
      double score,
      double error,
      String unit) {
    public Score {
      params = params == null ? Map.of() : new LinkedHashMap<>(params);
    }

    /// Whether a larger score is the better one.
    public boolean rate() {
      return mode.equals("thrpt");
    }

    /// The parameters as `dim 4096, batch 1`.
    public String parameters() {
      return String.join(
          ", ", params.entrySet().stream().map(p -> p.getKey() + " " + p.getValue()).toList());
    }

    /// How many times worse than the best of those with the same parameters: 1 for the best.
    public double ratio(List<Score> all) {
      double best = score;
      for (Score other : all)
        if (other.params.equals(params))
          best = rate() ? Math.max(best, other.score) : Math.min(best, other.score);
      return rate() ? best / score : score / best;
    }
  }

  public BenchmarkResult {
    scores = List.copyOf(scores);
  }

  private static Path file(ProjectHome home, String id) {
    return home.path("docs", "results", "bench", id + ".json");
  }

  /// The last result, if the technique was measured.
  ///
  /// @throws IllegalArgumentException naming the file if it cannot be understood
  public static Optional<BenchmarkResult> read(ProjectHome home, String id) throws IOException {
    Path file = file(home, id);
    if (!Files.exists(file)) return Optional.empty();
    try {
      return Optional.of(JSON.readValue(Files.readString(file), BenchmarkResult.class));
    } catch (JacksonException e) {
      throw new IllegalArgumentException(
          "%s: not a benchmark's result: %s".formatted(file, e.getOriginalMessage()), e);
    }
  }

  /// Writes the result where the handbook looks for it, and returns the file.
  public Path write(ProjectHome home) throws IOException {
    Path file = file(home, id);
    Files.createDirectories(file.getParent());
    Path temporary = Files.createTempFile(file.getParent(), id, ".json");
    Files.writeString(temporary, JSON.writeValueAsString(this) + "\n");
    return Files.move(temporary, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
  }
}
