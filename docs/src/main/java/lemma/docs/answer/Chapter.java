package lemma.docs.answer;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import tools.jackson.core.type.TypeReference;
import tools.jackson.dataformat.yaml.YAMLMapper;

/// A chapter of the handbook: a directory of answers and how it is announced.
public record Chapter(
    String id,
    String title,
    @com.fasterxml.jackson.annotation.JsonProperty("title-zh") String titleZh,
    String description) {

  /// Every chapter in reading order, from `chapters.yaml`.
  public static List<Chapter> all() throws IOException {
    try (InputStream in = Chapter.class.getResourceAsStream("chapters.yaml")) {
      return new YAMLMapper().readValue(in, new TypeReference<>() {});
    }
  }
}
