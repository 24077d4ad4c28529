package lemma.docs.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lemma.docs.ProjectHome;

/// Runs the project's own Maven wrapper on the JDK that runs this.
final class Maven {
  /// How a run ended, and what it said.
  record Outcome(int exit, String output) {}

  private Maven() {}

  /// Runs Maven at the project's root; its output is kept and not shown.
  static Outcome run(ProjectHome home, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("./mvnw", "-q", "-Dformat=skip"));
    command.addAll(arguments);
    Path log = Files.createTempFile("lemma-maven", ".log");
    try {
      Process process = start(home, command, log);
      int exit = process.waitFor();
      return new Outcome(exit, Files.readString(log));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for Maven", e);
    } finally {
      Files.deleteIfExists(log);
    }
  }

  private static Process start(ProjectHome home, List<String> command, Path log)
      throws IOException {
    var builder = new ProcessBuilder(command).directory(home.root().toFile());
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    String jdk = System.getProperty("java.home");
    builder.environment().put("JAVA_HOME", jdk);
    builder.environment().merge("PATH", "", (path, none) -> Path.of(jdk, "bin") + ":" + path);
    return builder.start();
  }
}
