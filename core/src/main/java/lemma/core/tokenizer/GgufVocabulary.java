package lemma.core.tokenizer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import lemma.core.format.FormatException;
import lemma.core.format.Gguf;
import lemma.core.tokenizer.PreTokenizer.Published;
import lemma.core.tokenizer.PreTokenizer.Split;

/// The tokenizer inside of a GGUF file, from its metadata.
///
/// | `tokenizer.ggml.model` | | |
/// |---|---|---|
/// | `gpt2` | byte-level BPE; `tokenizer.ggml.pre` names the pattern | [BpeModel] |
/// | `llama` | SentencePiece BPE with its scores | [SentencePieceBpe] |
/// | `t5` | SentencePiece unigram with its scores and its map | [Unigram] |
/// | `bert` | WordPiece; tokens that begin a word are written with `▁` | [WordPiece] |
///
/// The way is llama.cpp's, which for BERT differs from the original in accents: a letter becomes the
/// first of its decomposition, and marks that stand by themselves stay.
public final class GgufVocabulary {
  private static final String KEY = "tokenizer.ggml.";
  private static final char WORD = '▁';

  private static final TextPattern DEEPSEEK_LETTERS =
      TextPattern.regex(
          "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-"
              + "ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1F7Dᾀ-ᾴᾶ-ᾼ\u1FBEῂ-ῄῆ-ῌῐ-\u1FD3ῖ-\u1FDB"
              + "ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212A-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇ"
              + "Ꞌ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+");
  private static final TextPattern DEEPSEEK_SYMBOLS =
      TextPattern.regex("\\s?[!-/:-~！-／：-～‘-‟　-。]+");
  private static final TextPattern DEEPSEEK_V3 =
      TextPattern.regex(
          "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
              + "|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*"
              + "|\\s*[\r\n]+|\\s+(?!\\S)|\\s+");
  private static final TextPattern DEEPSEEK_CHINESE = TextPattern.regex("[一-龥ࠀ-一가-\uD7FF]+");

  private final Gguf file;
  private final List<String> tokens;
  private final int[] types; // GGUF numbers them like SentencePiece

  private GgufVocabulary(Gguf file) {
    this.file = file;
    this.tokens = file.texts(KEY + "tokens");
    if (file.has(KEY + "token_type")) types = file.integers(KEY + "token_type");
    else {
      types = new int[tokens.size()];
      Arrays.fill(types, NORMAL);
    }
    if (types.length != tokens.size())
      throw new FormatException(
          file.file(), "%d tokens, but %d types".formatted(tokens.size(), types.length));
  }

  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;

  /// Whether a file carries a tokenizer.
  public static boolean isIn(Gguf file) {
    return file.has(KEY + "model");
  }

  /// @throws FormatException if the file is missing, damaged, or has a tokenizer that is not
  ///     supported
  public static Tokenizer read(Path path) throws IOException {
    return of(Gguf.open(path));
  }

  /// @throws FormatException if the metadata are damaged or not supported
  public static Tokenizer of(Gguf file) {
    try {
      return new GgufVocabulary(file).tokenizer();
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(file.file(), e.getMessage(), e);
    }
  }

  /// A decoded text as llama.cpp's detokenizer hands it out for BERT, GPT-2 and Falcon: without the
  /// spaces in front of punctuation and some contractions. It is no longer the text that was encoded,
  /// and no stream can do it, so it is not part of decoding here.
  public static String cleanSpaces(String decoded) {
    return decoded
        .replaceAll(" (?=[?!.,])", "")
        .replace(" ' ", "'")
        .replaceAll(" (?='(?:[sm]|re|ve))", "");
  }

  private Tokenizer tokenizer() {
    String model = file.text(KEY + "model");
    return switch (model) {
      case "gpt2" -> byteLevel();
      case "llama", "t5" -> sentencePiece(model.equals("t5"));
      case "bert" -> bert();
      default -> throw new FormatException(file.file(), "tokenizer " + model + " is not supported");
    };
  }

  private Tokenizer byteLevel() {
    String pre = file.text(KEY + "pre", "gpt-2");
    boolean wholePieces = pre.equals("llama3") || pre.equals("llama-v3") || pre.equals("llama-bpe");
    var vocabulary = new Vocabulary(tokens);
    var model =
        new BpeModel(
            vocabulary,
            merges(vocabulary),
            new BpeModel.Options(-1, "", "", false, false, wholePieces));
    return new Pipeline(
        new Pipeline.Steps(
            added(),
            new Normalizer.None(),
            preTokenizer(pre),
            model,
            prefix(false),
            new Decoder.ByteLevel()));
  }

  private List<Merge> merges(Vocabulary vocabulary) {
    List<Merge> merges = new ArrayList<>();
    for (String merge : file.texts(KEY + "merges")) {
      int space = merge.indexOf(' ', 1);
      if (space < 0 || space == merge.length() - 1)
        throw new FormatException(
            file.file(), "merge %d must have two parts, was %s".formatted(merges.size(), merge));
      String left = merge.substring(0, space);
      String right = merge.substring(space + 1);
      merges.add(
          new Merge(id(vocabulary, left), id(vocabulary, right), id(vocabulary, left + right)));
    }
    return merges;
  }

  private int id(Vocabulary vocabulary, String token) {
    return vocabulary
        .id(token)
        .orElseThrow(() ->
            new FormatException(
                file.file(), "a merge has \"" + token + "\", which is not in the vocabulary"));
  }

  private PreTokenizer preTokenizer(String pre) {
    List<PreTokenizer> steps =
        switch (pre) {
          case "gpt-2", "gpt2", "phi-2", "mpt", "olmo", "jais" ->
              List.of(new Published(PublishedPattern.GPT2));
          case "llama3", "llama-v3", "llama-bpe", "dbrx", "smaug-bpe" ->
              List.of(new Published(PublishedPattern.LLAMA3));
          case "qwen2", "deepseek-r1-qwen", "stablelm2" ->
              List.of(new Published(PublishedPattern.QWEN2));
          case "gpt-4o" -> List.of(new Published(PublishedPattern.O200K));
          case "starcoder", "refact", "command-r", "smollm", "codeshell" ->
              List.of(isolated("\\p{N}"), new Published(PublishedPattern.GPT2));
          case "falcon" ->
              List.of(
                  isolated("[\\p{P}\\$\\+<=>\\^~\\|`]+"),
                  new Published(PublishedPattern.GPT2),
                  isolated("[0-9][0-9][0-9]"));
          case "deepseek-llm" ->
              List.of(
                  isolated("[\r\n]"),
                  isolated(DEEPSEEK_LETTERS),
                  isolated(DEEPSEEK_SYMBOLS),
                  isolated("\\s+$"),
                  isolated(DEEPSEEK_CHINESE),
                  isolated("\\p{N}+"));
          case "deepseek-coder" ->
              List.of(
                  isolated("[\r\n]"),
                  isolated("\\s?\\p{L}+"),
                  isolated("\\s?\\p{P}+"),
                  isolated(DEEPSEEK_CHINESE),
                  isolated("\\p{N}"));
          case "deepseek-v3" ->
              List.of(
                  isolated("\\p{N}{1,3}"), isolated("[一-龥\u3040-ゟ゠-ヿ]+"), isolated(DEEPSEEK_V3));
          default -> throw new FormatException(file.file(), "pattern " + pre + " is not supported");
        };
    List<PreTokenizer> all = new ArrayList<>(steps);
    all.add(new PreTokenizer.ByteLevel(false, false));
    return new PreTokenizer.Sequence(all);
  }

  private static PreTokenizer isolated(String regex) {
    return isolated(TextPattern.regex(regex));
  }

  private static PreTokenizer isolated(TextPattern pattern) {
    return new Split(pattern, SplitBehaviour.ISOLATED, false);
  }

  private Tokenizer bert() {
    List<String> written = new ArrayList<>(); // as WordPiece writes them
    for (int id = 0; id < tokens.size(); id++) {
      String token = tokens.get(id);
      if (types[id] != NORMAL) written.add(token);
      else if (token.indexOf(WORD) == 0) written.add(token.substring(1));
      else written.add(token.startsWith("[") && token.endsWith("]") ? token : "##" + token);
    }
    var vocabulary = new Vocabulary(written);
    int unknown = file.integer(KEY + "unknown_token_id", 100);
    return new Pipeline(
        new Pipeline.Steps(
            added(),
            new Normalizer.Sequence(
                List.of(new Normalizer.BaseLetters(), new BertNormalizer(true, true, false, true))),
            new PreTokenizer.BertPreTokenizer(),
            new WordPiece(vocabulary, unknown, "##", Integer.MAX_VALUE),
            prefix(true),
            new Decoder.Sequence(
                List.of(
                    new Decoder.Replace(TextPattern.regex("^(?!##|\\[[A-Z]+\\]$)"), " "),
                    new Decoder.Replace(TextPattern.regex("^##"), "")))));
  }

  private Tokenizer sentencePiece(boolean unigram) {
    double[] scores = file.numbers(KEY + "scores");
    if (scores.length != tokens.size())
      throw new FormatException(
          file.file(), "%d tokens, but %d scores".formatted(tokens.size(), scores.length));
    SentencePiece.Type[] kinds = SentencePiece.Type.values();
    List<SentencePiece> pieces = new ArrayList<>();
    boolean bytes = false;
    for (int id = 0; id < scores.length; id++) {
      if (types[id] < 1 || types[id] > kinds.length)
        throw new FormatException(
            file.file(), "token %d is of the unknown type %d".formatted(id, types[id]));
      SentencePiece.Type kind = kinds[types[id] - 1];
      bytes |= kind == SentencePiece.Type.BYTE;
      pieces.add(new SentencePiece(tokens.get(id), scores[id], kind));
    }
    var normaliser =
        new SentencePieceNormaliser(
            "",
            map(),
            file.flag(KEY + "add_space_prefix", true),
            file.flag(KEY + "remove_extra_whitespaces", unigram),
            true,
            false);
    return new SentencePieceModel(
        unigram ? new Unigram(pieces, Unigram.Sums.FLOAT32) : new SentencePieceBpe(pieces),
        normaliser,
        symbols(),
        bytes,
        prefixUnless(unigram));
  }

  private Optional<PrecompiledCharsMap> map() {
    if (!file.has(KEY + "precompiled_charsmap")) return Optional.empty();
    int[] values = file.integers(KEY + "precompiled_charsmap");
    byte[] blob = new byte[values.length];
    for (int i = 0; i < blob.length; i++) blob[i] = (byte) values[i];
    return blob.length == 0 ? Optional.empty() : Optional.of(new PrecompiledCharsMap(blob));
  }

  private SentencePieceSymbols symbols() {
    SentencePieceSymbols usual = SentencePieceSymbols.usual();
    return new SentencePieceSymbols(
        name("bos_token_id", usual.begin()),
        name("eos_token_id", usual.end()),
        name("padding_token_id", usual.padding()),
        usual.unknownSurface());
  }

  private String name(String key, String otherwise) {
    int id = file.integer(KEY + key, -1);
    return id >= 0 && id < tokens.size() ? tokens.get(id) : otherwise;
  }

  /// A model of SentencePiece begins with its control token if the file does not say otherwise.
  private int[] prefixUnless(boolean unigram) {
    return file.has(KEY + "add_bos_token") || unigram || !file.has(KEY + "bos_token_id")
        ? prefix()
        : new int[] {file.integer(KEY + "bos_token_id")};
  }

  /// Control tokens are special, tokens that a user defined are not.
  private List<AddedToken> added() {
    List<AddedToken> added = new ArrayList<>();
    for (int id = 0; id < types.length; id++)
      if (types[id] == UNKNOWN || types[id] == CONTROL)
        added.add(new AddedToken(id, tokens.get(id), true));
      else if (types[id] == USER_DEFINED) added.add(new AddedToken(id, tokens.get(id), false));
    return added;
  }

  private int[] prefix() {
    return file.flag(KEY + "add_bos_token", false) && file.has(KEY + "bos_token_id")
        ? new int[] {file.integer(KEY + "bos_token_id")}
        : new int[0];
  }

  /// What stands around texts, for BERT at both ends.
  private PostProcessor prefix(boolean both) {
    List<Template.Part> parts = new ArrayList<>();
    if (both || prefix().length > 0) parts.add(special("bos_token_id", "cls_token_id"));
    parts.add(new Template.Text(false, 0));
    if (both) parts.add(special("seperator_token_id", "eos_token_id"));
    List<Template.Part> pair = new ArrayList<>(parts);
    pair.add(new Template.Text(true, 1));
    if (both) pair.add(parts.getLast());
    return new Template(parts, pair);
  }

  private Template.Part special(String... keys) {
    for (String key : keys)
      if (file.has(KEY + key)) {
        int id = file.integer(KEY + key);
        if (id < 0 || id >= tokens.size())
          throw new FormatException(file.file(), key + " is " + id);
        return new Template.Tokens(List.of(new PostProcessor.Special(id, tokens.get(id))), 0);
      }
    throw new FormatException(file.file(), keys[0] + " is missing");
  }
}
