package lemma.proof;

import java.io.IOException;
import java.io.InputStream;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.provider.ArgumentsSource;
import org.junit.jupiter.params.support.AnnotationConsumer;
import org.junit.jupiter.params.support.ParameterDeclarations;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Runs a test method once for each case of a golden family: `@GoldenCases("core/rms-norm")`.
///
/// The cases come from the test resource `golden/<area>/<family>.json`, or, with
/// `-Dgolden.dir=DIR`, from `DIR/<area>/<family>.json`; a family without a file there is skipped.
///
/// A family that several techniques share is divided by a parameter:
/// `@GoldenCases(value = "core/activations", where = "activation", in = {"gelu", "gelu_tanh"})`.
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest(allowZeroInvocations = true, name = "{0}")
@ArgumentsSource(GoldenCases.Cases.class)
public @interface GoldenCases {
  /// Area and family, as `area/family`.
  String value();

  /// A parameter that only has the values of [#in]; none for all cases.
  String where() default "";

  /// The values of the parameter [#where].
  String[] in() default {};

  /// Reads the family's file.
  final class Cases implements ArgumentsProvider, AnnotationConsumer<GoldenCases> {
    private String family = "";
    private String param = "";
    private List<String> values = List.of();

    @Override
    public void accept(GoldenCases annotation) {
      family = annotation.value();
      param = annotation.where();
      values = List.of(annotation.in());
    }

    @Override
    public Stream<? extends Arguments> provideArguments(
        ParameterDeclarations parameters, ExtensionContext context) throws IOException {
      return cases(family)
          .filter(golden -> param.isEmpty() || values.contains(golden.text(param)))
          .map(Arguments::of);
    }

    /// The cases of a family; none if `golden.dir` is set and holds no such file.
    private static Stream<GoldenCase> cases(String family) throws IOException {
      JsonNode file;
      String replacement = System.getProperty("golden.dir");
      if (replacement != null) {
        Path path = Path.of(replacement, family + ".json");
        if (!Files.exists(path)) return Stream.empty();
        file = JsonMapper.shared().readTree(path.toFile());
      } else {
        String resource = "/golden/" + family + ".json";
        try (InputStream stream = GoldenCases.class.getResourceAsStream(resource)) {
          if (stream == null) throw new IllegalArgumentException("no test resource " + resource);
          file = JsonMapper.shared().readTree(stream);
        }
      }
      JsonNode all = file;
      return file.get("cases").valueStream().map(node -> new GoldenCase(node, all));
    }
  }
}
