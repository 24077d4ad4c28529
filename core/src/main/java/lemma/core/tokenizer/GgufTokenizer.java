package lemma.core.tokenizer;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lemma.core.format.FormatException;
import lemma.core.format.Gguf;
import lemma.core.tokenizer.SentencePiece.Type;

/// The tokenizer that a GGUF file carries among its metadata.
///
/// | `tokenizer.ggml.model` | |
/// |---|---|
/// | `llama` | [SentencePieceBpe]: tokens, scores, types |
/// | `t5` | [Unigram]: the same, and the precompiled map |
/// | `gpt2` | [ByteLevelBpe]: tokens, merges, types; `tokenizer.ggml.pre` names the pattern |
///
/// Types are those of [SentencePiece.Type], numbered from 1.
public final class GgufTokenizer {
  private static final String KEY = "tokenizer.ggml.";

  private final Gguf gguf;

  private GgufTokenizer(Gguf gguf) {
    this.gguf = gguf;
  }

  /// Whether a file carries a tokenizer.
  public static boolean isIn(Gguf gguf) {
    return gguf.has(KEY + "model");
  }

  /// @throws FormatException if there is none, it is damaged or of another kind
  public static Tokenizer read(Gguf gguf) {
    Path file = gguf.file();
    try {
      var reading = new GgufTokenizer(gguf);
      String model = gguf.text(KEY + "model");
      return switch (model) {
        case "llama", "t5" -> reading.sentencePiece(model.equals("t5"));
        case "gpt2" -> reading.byteLevel();
        default ->
            throw new FormatException(file, KEY + "model is not supported: " + model);
      };
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(file, e.getMessage(), e);
    }
  }

  private SentencePieceModel sentencePiece(boolean unigram) {
    List<String> tokens = gguf.texts(KEY + "tokens");
    double[] scores = gguf.numbers(KEY + "scores");
    Type[] types = types(tokens.size());
    if (scores.length != tokens.size())
      throw different("scores", scores.length, tokens.size());
    List<SentencePiece> pieces = new ArrayList<>();
    for (int id = 0; id < scores.length; id++)
      pieces.add(new SentencePiece(tokens.get(id), scores[id], types[id]));
    PieceModel model =
        unigram ? new Unigram(pieces, Unigram.Sums.FLOAT32) : new SentencePieceBpe(pieces);
    return new SentencePieceModel(
        model,
        new SentencePieceNormaliser(
            "",
            map(),
            gguf.flag(KEY + "add_space_prefix", true),
            gguf.flag(KEY + "remove_extra_whitespaces", unigram),
            true,
            false),
        symbols(tokens),
        pieces.stream().anyMatch(piece -> piece.type() == Type.BYTE),
        prefix(!unigram));
  }

  private Optional<PrecompiledCharsMap> map() {
    if (!gguf.has(KEY + "precompiled_charsmap")) return Optional.empty();
    int[] values = gguf.integers(KEY + "precompiled_charsmap");
    byte[] blob = new byte[values.length];
    for (int i = 0; i < blob.length; i++) blob[i] = (byte) values[i];
    return blob.length == 0 ? Optional.empty() : Optional.of(new PrecompiledCharsMap(blob));
  }

  private SentencePieceSymbols symbols(List<String> tokens) {
    SentencePieceSymbols usual = SentencePieceSymbols.usual();
    return new SentencePieceSymbols(
        name("bos_token_id", tokens, usual.begin()),
        name("eos_token_id", tokens, usual.end()),
        name("padding_token_id", tokens, usual.padding()),
        usual.unknownSurface());
  }

  private String name(String key, List<String> tokens, String otherwise) {
    int id = gguf.integer(KEY + key, -1);
    return id >= 0 && id < tokens.size() ? tokens.get(id) : otherwise;
  }

  /// Begin of text, if it is to be put in front.
  private int[] prefix(boolean otherwise) {
    boolean added = gguf.flag(KEY + "add_bos_token", otherwise) && gguf.has(KEY + "bos_token_id");
    return added ? new int[] {gguf.integer(KEY + "bos_token_id")} : new int[0];
  }

  private ByteLevelBpe byteLevel() {
    List<String> tokens = gguf.texts(KEY + "tokens");
    var vocabulary = new Vocabulary(tokens);
    Type[] types = types(tokens.size());
    List<AddedToken> added = new ArrayList<>();
    for (int id = 0; id < types.length; id++)
      if (types[id] == Type.CONTROL || types[id] == Type.USER_DEFINED)
        added.add(new AddedToken(id, tokens.get(id), types[id] == Type.CONTROL));
    List<Merge> merges = new ArrayList<>();
    for (String merge : gguf.texts(KEY + "merges")) {
      String[] pair = merge.split(" ", -1);
      if (pair.length != 2)
        throw new FormatException(
            gguf.file(), "merge %d must have two parts, was %s".formatted(merges.size(), merge));
      merges.add(
          new Merge(
              id(vocabulary, pair[0], merge),
              id(vocabulary, pair[1], merge),
              id(vocabulary, pair[0] + pair[1], merge)));
    }
    PublishedPattern pattern = pattern(gguf.text(KEY + "pre", "default"));
    return new ByteLevelBpe(
        tokens, merges, added, pattern, pattern == PublishedPattern.LLAMA3, prefix(false));
  }

  private int id(Vocabulary vocabulary, String token, String merge) {
    return vocabulary
        .id(token)
        .orElseThrow(() ->
            new FormatException(
                gguf.file(),
                "merge %s: \"%s\" is not in the vocabulary".formatted(merge, token)));
  }

  private PublishedPattern pattern(String name) {
    return switch (name) {
      case "gpt-2", "default" -> PublishedPattern.GPT2;
      case "llama-bpe", "llama3", "llama-v3" -> PublishedPattern.LLAMA3;
      case "qwen2" -> PublishedPattern.QWEN2;
      case "gpt-4o" -> PublishedPattern.O200K;
      default -> throw new FormatException(gguf.file(), KEY + "pre is not supported: " + name);
    };
  }

  private Type[] types(int count) {
    int[] numbers = gguf.integers(KEY + "token_type");
    if (numbers.length != count) throw different("token_type", numbers.length, count);
    Type[] types = new Type[count];
    for (int id = 0; id < count; id++) {
      if (numbers[id] < 1 || numbers[id] > Type.values().length)
        throw new FormatException(
            gguf.file(), "%stoken_type of %d is %d".formatted(KEY, id, numbers[id]));
      types[id] = Type.values()[numbers[id] - 1];
    }
    return types;
  }

  private FormatException different(String key, int count, int tokens) {
    return new FormatException(
        gguf.file(), "%s%s has %d entries for %d tokens".formatted(KEY, key, count, tokens));
  }
}
