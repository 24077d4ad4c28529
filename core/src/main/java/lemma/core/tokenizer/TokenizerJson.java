package lemma.core.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// `tokenizer.json` of Hugging Face, for [ByteLevelBpe].
///
/// What this edition does not compute is refused by name rather than ignored: another model than
/// BPE, normalisation, another pattern than those of [PreTokenizer], added tokens that swallow the
/// spaces around them. Patterns are compared, never compiled from the file.
public final class TokenizerJson {
  private static final int LARGEST_VOCABULARY = 1 << 22;

  private final Path file;
  private final JsonFile root;

  private TokenizerJson(Path file) throws IOException {
    this.file = file;
    this.root = JsonFile.read(file);
  }

  /// @param path the file, or the folder that holds it
  /// @throws FormatException if it is missing, damaged or asks for what is not supported
  public static ByteLevelBpe read(Path path) throws IOException {
    Path file = Files.isDirectory(path) ? path.resolve("tokenizer.json") : path;
    TokenizerJson json = new TokenizerJson(file);
    try {
      return json.tokenizer();
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(file, e.getMessage(), e);
    }
  }

  private ByteLevelBpe tokenizer() {
    JsonFile model = root.object("model");
    if (!model.text("type").equals("BPE"))
      throw new FormatException(
          file, "model.type must be BPE for byte-level BPE, was " + model.text("type"));
    if (root.has("normalizer")) throw unsupported("a normalizer", root.get("normalizer"));
    if (model.flag("byte_fallback", false)) throw unsupported("byte_fallback", model.root());
    for (String affix : new String[] {"continuing_subword_prefix", "end_of_word_suffix"})
      if (model.has(affix) && !model.text(affix).isEmpty())
        throw unsupported("model." + affix, model.get(affix));
    List<AddedToken> added = addedTokens();
    List<String> tokens = vocabulary(model.object("vocab").root(), added);
    return new ByteLevelBpe(
        tokens,
        merges(model.get("merges"), tokens),
        added,
        preTokenizer(),
        model.flag("ignore_merges", false),
        prefix());
  }

  private List<AddedToken> addedTokens() {
    List<AddedToken> added = new ArrayList<>();
    if (!root.has("added_tokens")) return added;
    for (JsonFile token : objects("added_tokens", root.get("added_tokens"))) {
      for (String option : new String[] {"single_word", "lstrip", "rstrip"})
        if (token.flag(option, false)) throw unsupported("added_tokens." + option, token.root());
      added.add(
          new AddedToken(token.integer("id"), token.text("content"), token.flag("special", false)));
    }
    return added;
  }

  /// Tokens by id, from the vocabulary and the added tokens, without a gap.
  private List<String> vocabulary(JsonNode vocabulary, List<AddedToken> added) {
    Map<Integer, String> byId = new HashMap<>();
    vocabulary
        .properties()
        .forEach(entry -> {
          JsonNode id = entry.getValue();
          if (!id.isInt() || id.asInt() < 0 || id.asInt() >= LARGEST_VOCABULARY)
            throw new FormatException(
                file, "vocab: the id of \"%s\" is %s".formatted(entry.getKey(), id));
          if (byId.put(id.asInt(), entry.getKey()) != null)
            throw new FormatException(file, "vocab: id " + id + " has two tokens");
        });
    for (AddedToken token : added) byId.putIfAbsent(token.id(), token.content());
    String[] tokens = new String[byId.size()];
    byId.forEach((id, token) -> {
      if (id >= tokens.length)
        throw new FormatException(
            file, "vocab: %d tokens, but an id is %d".formatted(tokens.length, id));
      tokens[id] = token;
    });
    return Arrays.asList(tokens);
  }

  /// Merges as `"a b"`, or as `["a", "b"]` in newer files.
  private List<Merge> merges(JsonNode merges, List<String> tokens) {
    if (!merges.isArray()) throw new FormatException(file, "merges must be a list");
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < tokens.size(); id++) ids.put(tokens.get(id), id);
    List<Merge> result = new ArrayList<>();
    for (JsonNode merge : merges) {
      String[] pair =
          merge.isString()
              ? merge.asString().split(" ", -1)
              : merge.valueStream().map(part -> part.asString("")).toArray(String[]::new);
      if (pair.length != 2)
        throw new FormatException(
            file, "merge %d must have two parts, was %s".formatted(result.size(), merge));
      result.add(
          new Merge(
              id(ids, pair[0], merge), id(ids, pair[1], merge), id(ids, pair[0] + pair[1], merge)));
    }
    return result;
  }

  private int id(Map<String, Integer> ids, String token, JsonNode merge) {
    Integer id = ids.get(token);
    if (id == null)
      throw new FormatException(
          file, "merge %s: \"%s\" is not in the vocabulary".formatted(merge, token));
    return id;
  }

  private PreTokenizer preTokenizer() {
    JsonFile step = root.object("pre_tokenizer");
    if (step.text("type").equals("ByteLevel")) {
      byteLevel(step, true);
      return PreTokenizer.GPT2;
    }
    if (!step.text("type").equals("Sequence")) throw unsupported("pre_tokenizer", step.root());
    List<JsonFile> steps = objects("pretokenizers", step.get("pretokenizers"));
    if (steps.size() != 2
        || !steps.getFirst().text("type").equals("Split")
        || !steps.getLast().text("type").equals("ByteLevel"))
      throw unsupported("a pre_tokenizer that is not Split, ByteLevel", step.root());
    byteLevel(steps.getLast(), false);
    JsonFile split = steps.getFirst();
    if (!split.text("behavior").equals("Isolated") || split.flag("invert", false))
      throw unsupported("Split", split.root());
    String regex = split.object("pattern").text("Regex");
    for (PreTokenizer known : PreTokenizer.values()) if (known.regex().equals(regex)) return known;
    throw unsupported("pattern", split.get("pattern"));
  }

  private void byteLevel(JsonFile step, boolean regex) {
    if (step.flag("add_prefix_space", true))
      throw unsupported("ByteLevel.add_prefix_space", step.root());
    if (step.flag("use_regex", true) != regex)
      throw unsupported("ByteLevel.use_regex " + !regex, step.root());
  }

  /// The tokens that the post-processor puts in front of a text.
  private int[] prefix() {
    if (!root.has("post_processor")) return new int[0];
    JsonFile processor = root.object("post_processor");
    switch (processor.text("type")) {
      case "ByteLevel" -> {
        return new int[0];
      }
      case "Sequence" -> {
        for (JsonFile step : objects("processors", processor.get("processors"))) {
          if (step.text("type").equals("TemplateProcessing")) return prefix(step);
          if (!step.text("type").equals("ByteLevel"))
            throw unsupported("post_processor", step.root());
        }
        return new int[0];
      }
      case "TemplateProcessing" -> {
        return prefix(processor);
      }
      default -> throw unsupported("post_processor", processor.root());
    }
  }

  private int[] prefix(JsonFile template) {
    IntStream.Builder ids = IntStream.builder();
    boolean behind = false;
    for (JsonFile part : objects("single", template.get("single"))) {
      if (part.has("Sequence")) behind = true;
      else if (behind) throw unsupported("a token behind the text", part.root());
      else {
        String name = part.object("SpecialToken").text("id");
        JsonNode list = template.object("special_tokens").object(name).get("ids");
        for (JsonNode id : list) ids.add(id.asInt(-1));
      }
    }
    return ids.build().toArray();
  }

  private List<JsonFile> objects(String name, JsonNode list) {
    if (!list.isArray()) throw new FormatException(file, name + " must be a list");
    List<JsonFile> objects = new ArrayList<>();
    for (JsonNode each : list) {
      if (!each.isObject()) throw new FormatException(file, name + " must hold objects");
      objects.add(new JsonFile(file, each));
    }
    return objects;
  }

  private FormatException unsupported(String what, JsonNode found) {
    return new FormatException(file, what + " is not supported: " + found);
  }

  /// Writes a file that Hugging Face's tokenizers read: into a temporary file first, which then takes
  /// its place.
  ///
  /// @throws IllegalArgumentException if the tokenizer has a prefix or another pattern than GPT-2's
  public static void write(ByteLevelBpe tokenizer, Path file) throws IOException {
    if (tokenizer.preTokenizer() != PreTokenizer.GPT2 || tokenizer.prefix().length > 0)
      throw new IllegalArgumentException(
          "only tokenizers with the pattern GPT2 and no prefix can be written, this has %s and %s"
              .formatted(tokenizer.preTokenizer(), Arrays.toString(tokenizer.prefix())));
    JsonMapper mapper = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    ObjectNode root = mapper.createObjectNode().put("version", "1.0");
    root.putNull("truncation").putNull("padding");
    var added = root.putArray("added_tokens");
    for (AddedToken token : tokenizer.addedTokens())
      added
          .addObject()
          .put("id", token.id())
          .put("content", token.content())
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", token.special());
    root.putNull("normalizer");
    for (String part : new String[] {"pre_tokenizer", "post_processor", "decoder"})
      root.putObject(part)
          .put("type", "ByteLevel")
          .put("add_prefix_space", false)
          .put("trim_offsets", true)
          .put("use_regex", true);
    ObjectNode model = root.putObject("model").put("type", "BPE");
    model.putNull("dropout").putNull("unk_token");
    model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
    model.put("fuse_unk", false).put("byte_fallback", false);
    model.put("ignore_merges", tokenizer.wholePieces());
    ObjectNode vocabulary = model.putObject("vocab");
    for (int id = 0; id < tokenizer.vocabularySize(); id++) vocabulary.put(tokenizer.token(id), id);
    var merges = model.putArray("merges");
    for (Merge merge : tokenizer.merges())
      merges.add(tokenizer.token(merge.left()) + " " + tokenizer.token(merge.right()));
    Path temporary = file.resolveSibling(file.getFileName() + ".part");
    Files.writeString(temporary, mapper.writeValueAsString(root) + "\n");
    Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
  }
}
