package lemma.docs.answer;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import lemma.docs.ProjectHome;

/// Cuts code out of the project's sources by its name, with the JDK's own parser.
///
/// | anchor | what it cuts |
/// |---|---|
/// | `core norm/RmsNorm` | the type with its comment |
/// | `core norm/RmsNorm#apply` | its method, all overloads; a field or constant likewise |
/// | `core norm/RmsNorm#RmsNorm` | its constructors |
/// | `core norm/RmsNormKernel.Vectorised#sumOfSquares` | a nested type's method |
///
/// The path is that of a package below the module's own: `norm` in `core` is `lemma.core.norm`.
/// Tests are found where the main sources have no such file.
public final class Sources {
  private final ProjectHome home;
  private final Map<Path, Parsed> parsed = new LinkedHashMap<>();

  private record Parsed(String path, String text, CompilationUnitTree unit, SourcePositions at) {
    long start(Tree tree) {
      return at.getStartPosition(unit, tree);
    }

    long end(Tree tree) {
      return at.getEndPosition(unit, tree);
    }
  }

  public Sources(ProjectHome home) {
    this.home = home;
  }

  /// Cuts `anchor` out of `module`.
  ///
  /// @throws IllegalArgumentException if there is no such file, type or member; the message names
  ///     those that there are
  public Excerpt cut(String module, String anchor) throws IOException {
    String file = anchor.contains("#") ? anchor.substring(0, anchor.indexOf('#')) : anchor;
    String member = anchor.contains("#") ? anchor.substring(anchor.indexOf('#') + 1) : "";
    String folder = file.contains("/") ? file.substring(0, file.lastIndexOf('/') + 1) : "";
    String[] types = file.substring(folder.length()).split("\\.");
    Parsed source = parse(module, folder + types[0] + ".java", anchor);

    List<? extends Tree> level = source.unit.getTypeDecls();
    ClassTree type = null;
    for (String name : types) {
      type = type(level, name);
      if (type == null)
        throw new IllegalArgumentException(
            "source %s %s: %s has no type %s; it has %s"
                .formatted(module, anchor, source.path, name, names(level)));
      level = type.getMembers();
    }
    if (member.isEmpty()) return excerpt(source, withComment(source, source.start(type)), type);

    List<Tree> found = new ArrayList<>();
    for (Tree tree : level)
      if (source.start(tree) >= 0 && name(tree, types[types.length - 1]).equals(member))
        found.add(tree);
    if (found.isEmpty())
      throw new IllegalArgumentException(
          "source %s %s: %s has no member %s; it has %s"
              .formatted(module, anchor, source.path, member, names(level)));
    return join(found.stream().map(tree -> excerpt(source, source.start(tree), tree)).toList());
  }

  private static ClassTree type(List<? extends Tree> trees, String name) {
    for (Tree tree : trees)
      if (tree instanceof ClassTree type && type.getSimpleName().contentEquals(name)) return type;
    return null;
  }

  private static String names(List<? extends Tree> trees) {
    return trees.stream()
        .map(tree -> name(tree, "constructor"))
        .filter(name -> !name.isEmpty())
        .distinct()
        .collect(Collectors.joining(", "));
  }

  private static String name(Tree tree, String type) {
    return switch (tree) {
      case MethodTree method when method.getName().contentEquals("<init>") -> type;
      case MethodTree method -> method.getName().toString();
      case VariableTree field -> field.getName().toString();
      case ClassTree nested -> nested.getSimpleName().toString();
      default -> "";
    };
  }

  private static Excerpt excerpt(Parsed source, long start, Tree tree) {
    int from = source.text.lastIndexOf('\n', (int) start - 1) + 1;
    String code = source.text.substring(from, (int) source.end(tree)).stripIndent();
    int line = (int) source.text.substring(0, from).lines().count() + 1;
    return new Excerpt(source.path, line, code.stripTrailing());
  }

  private static Excerpt join(List<Excerpt> excerpts) {
    return new Excerpt(
        excerpts.getFirst().path(),
        excerpts.getFirst().firstLine(),
        excerpts.stream().map(Excerpt::code).collect(Collectors.joining("\n\n")));
  }

  /// Where the comment lines right above a type begin.
  private static long withComment(Parsed source, long start) {
    long from = source.text.lastIndexOf('\n', (int) start - 1) + 1L;
    while (from > 0) {
      int previous = source.text.lastIndexOf('\n', (int) from - 2) + 1;
      String line = source.text.substring(previous, (int) from).strip();
      if (!line.startsWith("///") && !line.startsWith("/**") && !line.startsWith("*")) break;
      from = previous;
    }
    return from;
  }

  private Parsed parse(String module, String file, String anchor) throws IOException {
    List<Path> candidates =
        List.of(
            home.path(module, "src", "main", "java", "lemma", module, file),
            home.path(module, "src", "test", "java", "lemma", module, file));
    for (Path candidate : candidates) {
      if (!Files.exists(candidate)) continue;
      Parsed known = parsed.get(candidate);
      if (known == null) parsed.put(candidate, known = parse(candidate));
      return known;
    }
    throw new IllegalArgumentException(
        "source %s %s: there is no %s"
            .formatted(module, anchor, home.relative(candidates.getFirst())));
  }

  private Parsed parse(Path file) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    var diagnostics = new DiagnosticCollector<JavaFileObject>();
    try (StandardJavaFileManager files =
        compiler.getStandardFileManager(diagnostics, Locale.ROOT, StandardCharsets.UTF_8)) {
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  null,
                  files,
                  diagnostics,
                  List.of("-proc:none"),
                  null,
                  files.getJavaFileObjects(file));
      CompilationUnitTree unit = task.parse().iterator().next();
      if (!diagnostics.getDiagnostics().isEmpty())
        throw new IllegalArgumentException(
            "%s:%d: %s"
                .formatted(
                    home.relative(file),
                    diagnostics.getDiagnostics().getFirst().getLineNumber(),
                    diagnostics.getDiagnostics().getFirst().getMessage(Locale.ROOT)));
      return new Parsed(
          home.relative(file),
          Files.readString(file),
          unit,
          Trees.instance(task).getSourcePositions());
    }
  }
}
