package lemma.core.format;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.channels.Channels;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A JSON object of a checkpoint, such as `config.json`, read with suspicion: no larger than 64 MiB,
/// UTF-8, no name twice, nothing nested deeper than [#DEEPEST], no more than [#MOST_TOKENS] tokens.
///
/// What is missing or of another kind than asked for is named in a [FormatException].
public record JsonFile(Path file, JsonNode root) {
  /// Levels of nesting that a file may have.
  public static final int DEEPEST = 64;

  /// Brackets, names and values that a file may have: a bound on the memory that a tree of them takes.
  /// The largest vocabularies with their merges have half as many.
  public static final long MOST_TOKENS = 6_000_000;

  private static final long LARGEST = 64L << 20;

  static final JsonFactory STRICT =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(DEEPEST)
                  .maxTokenCount(MOST_TOKENS)
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .build();

  private static final JsonMapper MAPPER =
      JsonMapper.builder(STRICT).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  /// @throws FormatException if the file is missing, too large, or not one JSON object
  public static JsonFile read(Path file) throws IOException {
    try (var channel = Files.newByteChannel(file)) {
      if (channel.size() > LARGEST)
        throw new FormatException(file, "is larger than " + LARGEST + " bytes");
      return parse(file, Channels.newReader(channel, strictUtf8(), -1));
    } catch (NoSuchFileException e) {
      throw new FormatException(file, "no such file", e);
    }
  }

  /// What [#read] makes of a file with these bytes.
  public static JsonFile parse(Path file, byte[] utf8) throws IOException {
    return parse(file, new InputStreamReader(new ByteArrayInputStream(utf8), strictUtf8()));
  }

  private static CharsetDecoder strictUtf8() {
    return StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT);
  }

  private static JsonFile parse(Path file, Reader text) {
    try {
      JsonNode root = MAPPER.readTree(text);
      if (!root.isObject()) throw new FormatException(file, "must hold a JSON object");
      return new JsonFile(file, root);
    } catch (JacksonException e) {
      throw new FormatException(file, "is not valid JSON: " + reason(e), e);
    }
  }

  static String reason(JacksonException e) {
    String message = e.getOriginalMessage();
    return message == null ? e.getClass().getSimpleName() : message.lines().findFirst().orElse("");
  }

  /// Whether there is a member of this name that is not null.
  public boolean has(String name) {
    return root.hasNonNull(name);
  }

  /// A member that must be there.
  public JsonNode get(String name) {
    if (!has(name)) throw new FormatException(file, name + " is missing");
    return root.get(name);
  }

  /// An object inside of this one.
  public JsonFile object(String name) {
    if (!get(name).isObject()) throw wrong(name, "an object");
    return new JsonFile(file, get(name));
  }

  public String text(String name) {
    if (!get(name).isString()) throw wrong(name, "a string");
    return get(name).asString();
  }

  public int integer(String name) {
    if (!get(name).isInt()) throw wrong(name, "an integer of 32 bits");
    return get(name).asInt();
  }

  public int integer(String name, int otherwise) {
    return has(name) ? integer(name) : otherwise;
  }

  public double number(String name) {
    if (!get(name).isNumber()) throw wrong(name, "a number");
    return get(name).asDouble();
  }

  public double number(String name, double otherwise) {
    return has(name) ? number(name) : otherwise;
  }

  public boolean flag(String name, boolean otherwise) {
    if (!has(name)) return otherwise;
    if (!get(name).isBoolean()) throw wrong(name, "true or false");
    return get(name).asBoolean();
  }

  private FormatException wrong(String name, String expected) {
    return new FormatException(file, "%s must be %s, was %s".formatted(name, expected, get(name)));
  }
}
