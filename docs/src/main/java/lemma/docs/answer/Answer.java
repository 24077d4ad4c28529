package lemma.docs.answer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.dataformat.yaml.YAMLMapper;

/// One answer page: its front matter and its Markdown.
///
/// @param id the technique's stem
/// @param chapter the directory it lies in
/// @param title the question in English
/// @param titleZh the question in Chinese
/// @param notes the items of interview notes that it answers, such as `N1 2.18.2`
/// @param claims sentence of every claim by its id, in the page's order; empty if it proves nothing
/// @param body Markdown after the front matter
/// @param file where it was read from
public record Answer(
    String id,
    String chapter,
    String title,
    String titleZh,
    List<String> notes,
    Map<String, String> claims,
    String body,
    Path file) {

  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  /// The YAML between the two lines of dashes.
  private record FrontMatter(
      String id,
      String chapter,
      String title,
      @com.fasterxml.jackson.annotation.JsonProperty("title-zh") String titleZh,
      List<String> notes,
      java.util.LinkedHashMap<String, String> claims) {}

  /// @throws IllegalArgumentException naming the file if a field is missing or contradicts its place
  public Answer {
    require(file, "id", id);
    require(file, "chapter", chapter);
    require(file, "title", title);
    require(file, "title-zh", titleZh);
    notes = notes == null ? List.of() : List.copyOf(notes);
    claims =
        claims == null
            ? Map.of()
            : java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(claims));
    if (!file.getFileName().toString().equals(id + ".md"))
      throw new IllegalArgumentException(
          file + ": id is " + id + ", so the file must be " + id + ".md");
    if (!file.getParent().getFileName().toString().equals(chapter))
      throw new IllegalArgumentException(
          file + ": chapter is " + chapter + ", so it must lie in a directory " + chapter);
    for (var claim : claims.entrySet())
      require(file, "sentence of claim " + claim.getKey(), claim.getValue());
  }

  private static void require(Path file, String field, String value) {
    if (value == null || value.isBlank())
      throw new IllegalArgumentException(file + ": front matter lacks " + field);
  }

  /// Reads a page.
  ///
  /// @throws IllegalArgumentException naming the file if its front matter is not as it should be
  public static Answer read(Path file) throws IOException {
    String text = Files.readString(file).replace("\r\n", "\n");
    int end = text.indexOf("\n---\n", 3);
    if (!text.startsWith("---\n") || end < 0)
      throw new IllegalArgumentException(
          file + ": must begin with front matter between two lines of ---");
    FrontMatter matter;
    try {
      matter = YAML.readValue(text.substring(4, end + 1), FrontMatter.class);
    } catch (JacksonException e) {
      throw new IllegalArgumentException(
          "%s: front matter, %s: %s"
              .formatted(file, e.getLocation().offsetDescription(), e.getOriginalMessage()),
          e);
    }
    return new Answer(
        matter.id,
        matter.chapter,
        matter.title,
        matter.titleZh,
        matter.notes,
        matter.claims,
        text.substring(end + 5),
        file);
  }
}
