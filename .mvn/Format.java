import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Formats every Java source of the project, or only tells which ones are not formatted.
///
/// `java Format.java check|apply|skip`: exit code 1 when `check` finds a source that differs.
void main(String[] arguments) throws Exception {
  String mode = arguments[0];
  if (mode.equals("skip")) return;
  if (!mode.equals("check") && !mode.equals("apply")) {
    IO.println("format must be check, apply or skip, was " + mode);
    System.exit(2);
  }
  var formatter = new Formatter(JavaFormatterOptions.builder().formatJavadoc(false).build()); // keeps tables
  List<Path> different = new ArrayList<>();
  for (String module : List.of("core", "sampling", "diffusion", "benchmarks", "docs")) {
    Path sources = Path.of(module, "src");
    if (!Files.isDirectory(sources)) continue;
    try (var walk = Files.walk(sources)) {
      for (Path file : walk.filter(path -> path.toString().endsWith(".java")).sorted().toList()) {
        String source = Files.readString(file);
        String formatted =
            formatter.formatSource(
                RemoveUnusedImports.removeUnusedImports(
                    ImportOrderer.reorderImports(source, JavaFormatterOptions.Style.GOOGLE)));
        if (formatted.equals(source)) continue;
        different.add(file);
        if (mode.equals("apply")) Files.writeString(file, formatted);
      }
    }
  }
  different.forEach(file -> IO.println((mode.equals("apply") ? "formatted " : "not formatted: ") + file));
  if (mode.equals("check") && !different.isEmpty()) {
    IO.println("run ./mvnw -N validate -Dformat=apply");
    System.exit(1);
  }
}
