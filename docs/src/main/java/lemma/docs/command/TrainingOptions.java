package lemma.docs.command;

import java.io.IOException;
import java.nio.file.Path;
import lemma.docs.ProjectHome;
import picocli.CommandLine.Option;

/// What every training run is told.
final class TrainingOptions {
  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "parts of a step computed at once (default: all cores)")
  private Integer threads;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "where the model goes (default: docs/target/MODEL of the project)")
  private Path out;

  @Option(names = "--resume", description = "go on from the checkpoint in --out")
  private boolean resume;

  int threads() {
    return threads != null ? threads : Runtime.getRuntime().availableProcessors();
  }

  /// The folder of the model's files.
  Path folder(String model) throws IOException {
    return out != null ? out : ProjectHome.find().path("docs", "target", model);
  }

  boolean resume() {
    return resume;
  }
}
