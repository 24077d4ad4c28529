package lemma.core.tokenizer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import lemma.core.format.FormatException;

/// The tokenizers of OpenAI, whose files hold nothing but tokens and ranks.
///
/// ```
/// IQ== 0        one token a line: its bytes in base64, its rank, which is its id
/// Ig== 1
/// ```
///
/// The pattern and the special tokens are not in the file: they belong to the name.
///
/// | | tokens | model |
/// |---|---|---|
/// | [#R50K_BASE] | 50,256 | GPT-2, GPT-3 |
/// | [#P50K_BASE] | 50,280 | Codex: runs of spaces are tokens |
/// | [#CL100K_BASE] | 100,256 | GPT-3.5, GPT-4 |
/// | [#O200K_BASE] | 199,998 | GPT-4o |
///
/// openai/tiktoken, `tiktoken_ext/openai_public.py`. Answer: `tokenizer/bpe.md`.
public enum Tiktoken {
  R50K_BASE(PublishedPattern.GPT2, special(50256, "<|endoftext|>")),
  P50K_BASE(PublishedPattern.GPT2, special(50256, "<|endoftext|>")),
  CL100K_BASE(
      PublishedPattern.CL100K,
      special(100257, "<|endoftext|>"),
      special(100258, "<|fim_prefix|>"),
      special(100259, "<|fim_middle|>"),
      special(100260, "<|fim_suffix|>"),
      special(100276, "<|endofprompt|>")),
  O200K_BASE(
      PublishedPattern.O200K, special(199999, "<|endoftext|>"), special(200018, "<|endofprompt|>"));

  private static final long LARGEST_FILE = 64L << 20;
  private static final int LARGEST_RANK = 1 << 22;
  private static final int LARGEST_GAP = 1 << 12;
  private static final int LONGEST_TOKEN = 256;

  private final PublishedPattern pattern;
  private final List<AddedToken> added;

  Tiktoken(PublishedPattern pattern, AddedToken... added) {
    this.pattern = pattern;
    this.added = List.of(added);
  }

  private static AddedToken special(int id, String content) {
    return new AddedToken(id, content, true);
  }

  public PublishedPattern pattern() {
    return pattern;
  }

  /// The special tokens of this vocabulary.
  public List<AddedToken> special() {
    return added;
  }

  /// The tokenizer of a rank file.
  ///
  /// @throws FormatException if the file is missing or damaged
  public ByteLevelBpe read(Path file) throws IOException {
    return read(file, pattern, added);
  }

  /// The tokenizer of a rank file with another pattern or other special tokens, such as Llama 3's.
  ///
  /// @throws FormatException if the file is missing or damaged
  public static ByteLevelBpe read(Path file, PublishedPattern pattern, List<AddedToken> special)
      throws IOException {
    return parse(file, bytes(file), pattern, special);
  }

  /// What [#read] makes of a file with these bytes.
  static ByteLevelBpe parse(
      Path file, byte[] bytes, PublishedPattern pattern, List<AddedToken> special) {
    List<byte[]> ranked = ranks(file, bytes);
    try {
      return ByteLevelBpe.ofRanks(ranked, special, pattern);
    } catch (IllegalArgumentException e) {
      throw new FormatException(file, e.getMessage(), e);
    }
  }

  /// The tokens of a file by rank; null where a rank is missing.
  private static List<byte[]> ranks(Path file, byte[] bytes) {
    // every byte is a character, so that damage is found where it stands
    String lines = new String(bytes, StandardCharsets.ISO_8859_1);
    List<byte[]> ranked = new ArrayList<>();
    int tokens = 0;
    int line = 0;
    for (String text : lines.split("\n", -1)) {
      line++;
      if (text.isEmpty()) continue;
      String where = "line " + line;
      int space = text.indexOf(' ');
      if (space < 0) throw new FormatException(file, where + " must be a token and its rank");
      byte[] token = token(file, where, text.substring(0, space));
      int rank = rank(file, where, text.substring(space + 1));
      if (rank >= ranked.size() + LARGEST_GAP)
        throw new FormatException(
            file, where + ": rank %d follows %d tokens".formatted(rank, tokens));
      while (ranked.size() <= rank) ranked.add(null);
      if (ranked.set(rank, token) != null)
        throw new FormatException(file, where + ": rank " + rank + " is there twice");
      tokens++;
    }
    return ranked;
  }

  private static byte[] bytes(Path file) throws IOException {
    try {
      if (Files.size(file) > LARGEST_FILE)
        throw new FormatException(file, "is larger than " + LARGEST_FILE + " bytes");
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new FormatException(file, "no such file", e);
    }
  }

  private static byte[] token(Path file, String where, String base64) {
    byte[] token;
    try {
      token = Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw new FormatException(file, where + " is not base64: " + e.getMessage(), e);
    }
    if (token.length == 0 || token.length > LONGEST_TOKEN)
      throw new FormatException(
          file,
          where + ": a token has 1 to %d bytes, this %d".formatted(LONGEST_TOKEN, token.length));
    return token;
  }

  private static int rank(Path file, String where, String number) {
    try {
      int rank = Integer.parseInt(number);
      if (rank >= 0 && rank < LARGEST_RANK) return rank;
    } catch (NumberFormatException e) {
      // named below
    }
    throw new FormatException(file, where + ": the rank is " + number);
  }
}
