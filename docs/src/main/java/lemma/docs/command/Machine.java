package lemma.docs.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The processor that a measurement was made on.
final class Machine {
  private Machine() {}

  /// The processor's name and the number of cores that this JVM may use.
  static String name() {
    return processor() + ", " + Runtime.getRuntime().availableProcessors() + " cores";
  }

  private static String processor() {
    try {
      Path linux = Path.of("/proc/cpuinfo");
      if (Files.isReadable(linux))
        for (String line : Files.readAllLines(linux))
          if (line.startsWith("model name")) return line.substring(line.indexOf(':') + 1).strip();
      if (System.getProperty("os.name").startsWith("Mac")) {
        Process sysctl = new ProcessBuilder("sysctl", "-n", "machdep.cpu.brand_string").start();
        String name =
            new String(
                    sysctl.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8)
                .strip();
        if (!name.isEmpty()) return name;
      }
    } catch (IOException e) {
      return System.getProperty("os.arch"); // no name to be had: the architecture says enough
    }
    return System.getProperty("os.arch");
  }
}
