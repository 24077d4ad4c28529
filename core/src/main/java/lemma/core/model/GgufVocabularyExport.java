package lemma.core.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lemma.core.format.FormatException;
import lemma.core.format.GgufValue;
import lemma.core.format.JsonFile;
import lemma.core.tokenizer.PublishedPattern;
import lemma.core.tokenizer.SentencePiece;
import lemma.core.tokenizer.SentencePieceBpe;
import lemma.core.tokenizer.SentencePieceFile;
import lemma.core.tokenizer.SentencePieceModel;
import tools.jackson.databind.JsonNode;

/// The tokenizer of a folder as metadata of a GGUF file, which [lemma.core.tokenizer.GgufVocabulary]
/// reads again: byte-level BPE with a pattern that llama.cpp knows by name, or SentencePiece BPE.
/// Another tokenizer is left out: the file then says that it has no vocabulary.
final class GgufVocabularyExport {
  private static final String PREFIX = "tokenizer.ggml.";
  private static final String PIECES = "tokenizer.model";
  private static final int NORMAL = 1;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;

  private GgufVocabularyExport() {}

  /// @param vocabularySize rows of the embedding table; there may be more than tokens
  /// @throws FormatException if `tokenizer.json` is damaged
  static Map<String, GgufValue> of(Path folder, JsonFile config, int vocabularySize)
      throws IOException {
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    Path file = folder.resolve("tokenizer.json");
    String pattern = Files.exists(file) ? pattern(JsonFile.read(file)) : null;
    if (pattern != null) {
      metadata.put(PREFIX + "model", GgufValue.of("gpt2"));
      metadata.put(PREFIX + "pre", GgufValue.of(pattern));
      tokens(JsonFile.read(file), vocabularySize, metadata);
    } else if (!Files.exists(folder.resolve(PIECES))
        || !pieces(folder.resolve(PIECES), vocabularySize, metadata)) {
      metadata.put(PREFIX + "model", GgufValue.of("no_vocab"));
    }
    for (String which : List.of("bos", "eos"))
      if (config.has(which + "_token_id") && config.get(which + "_token_id").isInt())
        metadata.put(
            PREFIX + which + "_token_id",
            GgufValue.ofUint32(Math.max(0, config.integer(which + "_token_id"))));
    return metadata;
  }

  /// llama.cpp's name for how the text is cut first, or null if the tokenizer is of another kind.
  private static String pattern(JsonFile json) {
    JsonFile model = json.object("model");
    boolean plain = !json.has("normalizer") && !model.flag("byte_fallback", false);
    if (!model.has("type") || !model.text("type").equals("BPE") || !plain) return null;
    if (!json.has("pre_tokenizer")) return null;
    JsonFile step = json.object("pre_tokenizer");
    String type = step.text("type");
    if (type.equals("ByteLevel") && step.flag("use_regex", true)) return "gpt-2";
    if (!type.equals("Sequence")) return null;
    String regex = step.get("pretokenizers").path(0).path("pattern").path("Regex").asString("");
    return PublishedPattern.of(regex).map(GgufVocabularyExport::name).orElse(null);
  }

  private static String name(PublishedPattern pattern) {
    return switch (pattern) {
      case GPT2 -> "gpt-2";
      case LLAMA3 -> "llama-bpe";
      case QWEN2 -> "qwen2";
      case O200K -> "gpt-4o";
      case CL100K -> null;
    };
  }

  /// The pieces of a SentencePiece model with their scores, if they are merged as BPE does.
  private static boolean pieces(Path file, int vocabularySize, Map<String, GgufValue> metadata)
      throws IOException {
    SentencePieceModel model = SentencePieceFile.read(file);
    if (!(model.model() instanceof SentencePieceBpe)) return false;
    if (model.vocabularySize() > vocabularySize)
      throw new FormatException(
          file,
          "has %d pieces, the table has %d rows".formatted(model.vocabularySize(), vocabularySize));
    List<String> tokens = new ArrayList<>();
    List<GgufValue> scores = new ArrayList<>();
    int[] types = new int[vocabularySize];
    for (int id = 0; id < vocabularySize; id++) {
      SentencePiece piece =
          id < model.vocabularySize()
              ? model.piece(id)
              : new SentencePiece("[PAD" + id + "]", 0, SentencePiece.Type.UNUSED);
      tokens.add(piece.text());
      scores.add(GgufValue.ofFloat32(piece.score()));
      types[id] = piece.type().ordinal() + 1; // both number them in this order
      if (piece.type() == SentencePiece.Type.UNKNOWN)
        metadata.put(PREFIX + "unknown_token_id", GgufValue.ofUint32(id));
    }
    metadata.put(PREFIX + "model", GgufValue.of("llama"));
    metadata.put(PREFIX + "pre", GgufValue.of("default"));
    metadata.put(PREFIX + "tokens", GgufValue.ofTexts(tokens));
    metadata.put(PREFIX + "scores", GgufValue.Array.of(GgufValue.Type.FLOAT32, scores));
    metadata.put(PREFIX + "token_type", GgufValue.ofInt32s(types));
    metadata.put(PREFIX + "add_space_prefix", GgufValue.of(model.normaliser().addDummyPrefix()));
    return true;
  }

  private static void tokens(JsonFile json, int vocabularySize, Map<String, GgufValue> metadata) {
    String[] tokens = new String[vocabularySize];
    int[] types = new int[vocabularySize];
    for (var entry : json.object("model").object("vocab").root().properties()) {
      if (!entry.getValue().isInt())
        throw new FormatException(json.file(), "vocab: " + entry.getKey() + " has no id");
      put(json, tokens, types, entry.getValue().asInt(), entry.getKey(), NORMAL);
    }
    if (json.has("added_tokens"))
      for (JsonNode node : json.get("added_tokens")) {
        JsonFile added = new JsonFile(json.file(), node);
        int type = added.flag("special", false) ? CONTROL : USER_DEFINED;
        put(json, tokens, types, added.integer("id"), added.text("content"), type);
      }
    for (int id = 0; id < tokens.length; id++)
      if (tokens[id] == null) put(json, tokens, types, id, "[PAD" + id + "]", UNUSED);
    metadata.put(PREFIX + "tokens", GgufValue.ofTexts(Arrays.asList(tokens)));
    metadata.put(PREFIX + "token_type", GgufValue.ofInt32s(types));
    List<String> merges = new ArrayList<>();
    for (JsonNode merge : json.object("model").get("merges"))
      merges.add(
          merge.isString()
              ? merge.asString()
              : merge.path(0).asString("") + " " + merge.path(1).asString(""));
    metadata.put(PREFIX + "merges", GgufValue.ofTexts(Collections.unmodifiableList(merges)));
  }

  private static void put(
      JsonFile json, String[] tokens, int[] types, int id, String token, int type) {
    if (id < 0 || id >= tokens.length)
      throw new FormatException(
          json.file(),
          "token %s has id %d, the table has %d rows".formatted(token, id, tokens.length));
    tokens[id] = token;
    types[id] = type;
  }
}
