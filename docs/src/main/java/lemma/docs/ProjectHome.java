package lemma.docs;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The project's own directory: where answers, sources, proofs, results and shipped models lie.
///
/// Paths that a user names are never resolved against it: those belong to the user's directory.
public record ProjectHome(Path root) {

  /// The modules whose tests prove claims.
  public static final List<String> PROVING_MODULES = List.of("core", "sampling", "diffusion");

  /// @throws IllegalArgumentException if `root` is not a checkout of the project
  public ProjectHome {
    root = root.toAbsolutePath().normalize();
    if (!Files.isDirectory(root.resolve("docs").resolve("answers")))
      throw new IllegalArgumentException(
          "lemma.home must be the project's root, with docs/answers in it; was " + root);
  }

  /// The root that the launcher passes as `-Dlemma.home`, or the nearest one above this directory.
  ///
  /// @throws IllegalArgumentException if neither is a checkout of the project
  public static ProjectHome find() {
    String given = System.getProperty("lemma.home");
    if (given != null) return new ProjectHome(Path.of(given));
    Path here = Path.of("").toAbsolutePath();
    for (Path path = here; path != null; path = path.getParent())
      if (Files.isDirectory(path.resolve("docs").resolve("answers"))) return new ProjectHome(path);
    return new ProjectHome(here);
  }

  /// A file or directory of the project, by its path from the root.
  public Path path(String first, String... more) {
    return root.resolve(Path.of(first, more));
  }

  /// The path as a reader would write it: from the root where it lies within.
  public String relative(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    return (absolute.startsWith(root) ? root.relativize(absolute) : absolute)
        .toString()
        .replace('\\', '/');
  }
}
