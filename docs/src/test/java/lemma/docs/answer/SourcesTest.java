package lemma.docs.answer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import lemma.docs.ProjectHome;
import lemma.proof.Refusal;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Code is cut by name.
@DisplayNameGeneration(ReplaceUnderscores.class)
class SourcesTest {
  private static final String SOURCE =
      """
      package lemma.core.shape;

      import java.util.List;

      /// A circle.
      /// Its area is πr².
      public record Circle(double radius) {
        /// Half a turn.
        static final double PI = 3.14;

        public Circle {
          if (radius < 0) throw new IllegalArgumentException("radius");
        }

        /// The area.
        @Deprecated
        public double area() {
          return PI * radius * radius;
        }

        double area(double scale) {
          return scale * area();
        }

        record Nested(int a) {
          int twice() {
            return 2 * a;
          }
        }
      }
      """;

  private Sources sources;

  @BeforeEach
  void project(@TempDir Path folder) throws IOException {
    Files.createDirectories(folder.resolve("docs/answers"));
    Path file = folder.resolve("core/src/main/java/lemma/core/shape/Circle.java");
    Files.createDirectories(file.getParent());
    Files.writeString(file, SOURCE);
    Files.writeString(file.resolveSibling("Broken.java"), "package lemma.core.shape; record (");
    sources = new Sources(new ProjectHome(folder));
  }

  @Test
  void a_method_comes_with_all_its_overloads_and_without_comment() throws IOException {
    Excerpt area = sources.cut("core", "shape/Circle#area");
    assertThat(area.code())
        .isEqualTo(
            """
            @Deprecated
            public double area() {
              return PI * radius * radius;
            }

            double area(double scale) {
              return scale * area();
            }\
            """);
    assertThat(area.place()).isEqualTo("core/src/main/java/lemma/core/shape/Circle.java:16");
    assertThat(SOURCE.lines().toList().get(area.firstLine() - 1)).contains("@Deprecated");
  }

  @Test
  void a_type_comes_with_its_comment_and_without_imports() throws IOException {
    String code = sources.cut("core", "shape/Circle").code();
    assertThat(code)
        .startsWith("/// A circle.\n/// Its area is πr².\npublic record Circle")
        .endsWith("}");
  }

  @Test
  void nested_types_constructors_and_constants_have_names_too() throws IOException {
    assertThat(sources.cut("core", "shape/Circle.Nested#twice").code())
        .isEqualTo("int twice() {\n  return 2 * a;\n}");
    assertThat(sources.cut("core", "shape/Circle.Nested").code())
        .startsWith("record Nested(int a) {\n  int twice()");
    assertThat(sources.cut("core", "shape/Circle#Circle").code())
        .startsWith("public Circle {\n  if (radius < 0)");
    assertThat(sources.cut("core", "shape/Circle#PI").code())
        .isEqualTo("static final double PI = 3.14;");
  }

  @Test
  void a_name_that_is_gone_is_refused_with_those_that_are_there() {
    Refusal.of(() -> sources.cut("core", "shape/Circle#girth"), "girth", "area, Nested");
    Refusal.of(() -> sources.cut("core", "shape/Circle.Other"), "Other", "Circle.java");
    Refusal.of(
        () -> sources.cut("core", "shape/Square"),
        "core/src/main/java/lemma/core/shape/Square.java");
    Refusal.of(() -> sources.cut("core", "shape/Broken"), "Broken.java:1");
  }
}
