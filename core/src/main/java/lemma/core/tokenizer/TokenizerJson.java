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
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;
import lemma.core.tokenizer.SentencePiece.Type;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// `tokenizer.json` of Hugging Face as a [Pipeline].
///
/// What is not computed here is refused by name rather than ignored: dropout, truncation, padding,
/// and steps of an unknown type.
public final class TokenizerJson {
  private static final int LARGEST_VOCABULARY = 1 << 22;
  private static final int LARGEST_GAP = 1 << 12;

  private final Path file;
  private final JsonFile root;

  private TokenizerJson(JsonFile root) {
    this.file = root.file();
    this.root = root;
  }

  /// @param path the file, or the folder that holds it
  /// @throws FormatException if it is missing, damaged or asks for what is not supported
  public static Pipeline read(Path path) throws IOException {
    Path file = Files.isDirectory(path) ? path.resolve("tokenizer.json") : path;
    return of(JsonFile.read(file));
  }

  /// What [#read] makes of a file with this content.
  static Pipeline of(JsonFile root) {
    try {
      return new TokenizerJson(root).pipeline();
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(root.file(), e.getMessage(), e);
    }
  }

  /// Reads a file that must be byte-level BPE and nothing else.
  ///
  /// @throws FormatException if it is not, is missing or damaged
  public static ByteLevelBpe readByteLevel(Path path) throws IOException {
    return read(path)
        .byteLevel()
        .orElseThrow(() -> new FormatException(path, "is not a byte-level BPE tokenizer"));
  }

  private Pipeline pipeline() {
    for (String part : new String[] {"truncation", "padding"})
      if (root.has(part)) throw StepsJson.unsupported(part, root.object(part));
    List<AddedToken> added = addedTokens();
    TokenModel model = model(root.object("model"));
    return new Pipeline(
        new Pipeline.Steps(
            added,
            root.has("normalizer")
                ? StepsJson.normalizer(root.object("normalizer"))
                : new Normalizer.None(),
            root.has("pre_tokenizer")
                ? StepsJson.preTokenizer(root.object("pre_tokenizer"))
                : new PreTokenizer.None(),
            model,
            root.has("post_processor")
                ? StepsJson.postProcessor(root.object("post_processor"))
                : new PostProcessor.None(),
            root.has("decoder")
                ? StepsJson.decoder(root.object("decoder"))
                : new Decoder.Spaces()));
  }

  private List<AddedToken> addedTokens() {
    List<AddedToken> added = new ArrayList<>();
    if (!root.has("added_tokens")) return added;
    for (JsonFile token : StepsJson.objects(root, "added_tokens")) {
      if (token.integer("id") >= LARGEST_VOCABULARY)
        throw new FormatException(file, "added_tokens: an id is " + token.integer("id"));
      boolean special = token.flag("special", false);
      added.add(
          new AddedToken(
              token.integer("id"),
              token.text("content"),
              special,
              token.flag("lstrip", false),
              token.flag("rstrip", false),
              token.flag("single_word", false),
              token.flag("normalized", !special)));
    }
    return added;
  }

  private TokenModel model(JsonFile model) {
    // files before 2020 name no type: those with merges are BPE
    String type = !model.has("type") && model.has("merges") ? "BPE" : model.text("type");
    return switch (type) {
      case "BPE" -> bpe(model);
      case "WordPiece" -> {
        Vocabulary vocabulary = vocabulary(model.object("vocab").root());
        yield new WordPiece(
            vocabulary,
            unknown(model, vocabulary),
            model.has("continuing_subword_prefix") ? model.text("continuing_subword_prefix") : "##",
            model.integer("max_input_chars_per_word", 100));
      }
      case "WordLevel" -> {
        Vocabulary vocabulary = vocabulary(model.object("vocab").root());
        yield new WordLevel(vocabulary, unknown(model, vocabulary));
      }
      case "Unigram" -> unigram(model);
      default -> throw new FormatException(file, "model " + type + " is not supported");
    };
  }

  private BpeModel bpe(JsonFile model) {
    if (model.number("dropout", 0) != 0) throw StepsJson.unsupported("model.dropout", model);
    Vocabulary vocabulary = vocabulary(model.object("vocab").root());
    String prefix = affix(model, "continuing_subword_prefix");
    return new BpeModel(
        vocabulary,
        merges(model.get("merges"), vocabulary, prefix.length()),
        new BpeModel.Options(
            model.has("unk_token") ? unknown(model, vocabulary) : -1,
            prefix,
            affix(model, "end_of_word_suffix"),
            model.flag("fuse_unk", false),
            model.flag("byte_fallback", false),
            model.flag("ignore_merges", false)));
  }

  private static String affix(JsonFile model, String name) {
    return model.has(name) ? model.text(name) : "";
  }

  private int unknown(JsonFile model, Vocabulary vocabulary) {
    String token = model.text("unk_token");
    return vocabulary
        .id(token)
        .orElseThrow(
            () -> new FormatException(file, "unk_token " + token + " is not in the vocabulary"));
  }

  private UnigramModel unigram(JsonFile model) {
    JsonNode vocabulary = model.get("vocab");
    if (!vocabulary.isArray()) throw new FormatException(file, "vocab must be a list");
    int unknown = model.integer("unk_id");
    List<SentencePiece> pieces = new ArrayList<>();
    for (JsonNode each : vocabulary) {
      if (!each.isArray() || each.size() != 2 || !each.get(0).isString() || !each.get(1).isNumber())
        throw new FormatException(
            file, "vocab %d must be a piece and its score, was %s".formatted(pieces.size(), each));
      // controls and bytes are pieces like others in this format
      Type type = pieces.size() == unknown ? Type.UNKNOWN : Type.NORMAL;
      pieces.add(new SentencePiece(each.get(0).asString(), each.get(1).asDouble(), type));
    }
    return new UnigramModel(
        new Unigram(pieces, Unigram.Sums.FLOAT64), model.flag("byte_fallback", false));
  }

  /// Tokens by id; a few ids may not be in use.
  private Vocabulary vocabulary(JsonNode vocabulary) {
    Map<Integer, String> byId = new HashMap<>();
    int size = 0;
    for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
      JsonNode id = entry.getValue();
      if (!id.isInt() || id.asInt() < 0 || id.asInt() >= LARGEST_VOCABULARY)
        throw new FormatException(
            file, "vocab: the id of \"%s\" is %s".formatted(entry.getKey(), id));
      if (byId.put(id.asInt(), entry.getKey()) != null)
        throw new FormatException(file, "vocab: id " + id + " has two tokens");
      size = Math.max(size, id.asInt() + 1);
    }
    if (size > byId.size() + LARGEST_GAP)
      throw new FormatException(
          file, "vocab: %d tokens, but an id is %d".formatted(byId.size(), size - 1));
    String[] tokens = new String[size];
    byId.forEach((id, token) -> tokens[id] = token);
    return new Vocabulary(Arrays.asList(tokens));
  }

  /// Merges as `"a b"`, or as `["a", "b"]` in newer files.
  ///
  /// @param prefix the length of what continues a word: the second part loses it
  private List<Merge> merges(JsonNode merges, Vocabulary vocabulary, int prefix) {
    if (!merges.isArray()) throw new FormatException(file, "merges must be a list");
    List<Merge> result = new ArrayList<>();
    for (JsonNode merge : merges) {
      String[] pair =
          merge.isString()
              ? merge.asString().split(" ", -1)
              : merge.valueStream().map(part -> part.asString("")).toArray(String[]::new);
      if (pair.length != 2 || pair[1].length() < prefix)
        throw new FormatException(
            file, "merge %d must have two parts, was %s".formatted(result.size(), merge));
      result.add(
          new Merge(
              id(vocabulary, pair[0], merge),
              id(vocabulary, pair[1], merge),
              id(vocabulary, pair[0] + pair[1].substring(prefix), merge)));
    }
    return result;
  }

  private int id(Vocabulary vocabulary, String token, JsonNode merge) {
    return vocabulary
        .id(token)
        .orElseThrow(() ->
            new FormatException(
                file, "merge %s: \"%s\" is not in the vocabulary".formatted(merge, token)));
  }

  /// Writes a file that Hugging Face's tokenizers read: into a temporary file first, which then takes
  /// its place.
  ///
  /// @throws IllegalArgumentException if the tokenizer has a prefix or another pattern than GPT-2's
  public static void write(ByteLevelBpe tokenizer, Path file) throws IOException {
    if (tokenizer.pattern() != PublishedPattern.GPT2 || tokenizer.prefix().length > 0)
      throw new IllegalArgumentException(
          "only tokenizers with the pattern GPT2 and no prefix can be written, this has %s and %s"
              .formatted(tokenizer.pattern(), Arrays.toString(tokenizer.prefix())));
    JsonMapper mapper = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    ObjectNode root = mapper.createObjectNode().put("version", "1.0");
    root.putNull("truncation").putNull("padding");
    var added = root.putArray("added_tokens");
    for (AddedToken token : tokenizer.addedTokens())
      added
          .addObject()
          .put("id", token.id())
          .put("content", token.content())
          .put("single_word", token.singleWord())
          .put("lstrip", token.stripLeft())
          .put("rstrip", token.stripRight())
          .put("normalized", token.normalised())
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
    model.put("ignore_merges", tokenizer.takesWholePieces());
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
