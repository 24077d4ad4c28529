package lemma.core.tokenizer;

import java.nio.charset.StandardCharsets;

/// What a tokenizer makes of a text: how long it becomes, and whether it comes back.
///
/// ```
/// compression = bytes / tokens        fertility = tokens / characters
/// ```
///
/// A model's context, cost and speed are counted in tokens, so the same text is dearer in a language
/// that its tokenizer has seen less of. Numbers of tokens of models with different vocabularies do
/// not compare; per byte they do.
///
/// Answer: `tokenizer/tokenizer-comparison.md`.
///
/// @param characters code points of the text
/// @param bytes of the text in UTF-8
/// @param comesBack whether the tokens decode to exactly this text
public record TokenizerComparison(int tokens, int characters, int bytes, boolean comesBack) {

  /// Texts that set tokenizers apart.
  public enum Sample {
    ENGLISH("The quick brown fox jumps over the lazy dog. Internationalisation is hard."),
    CHINESE("今天天气很好，我们一起去公园散步吧。"),
    CODE("for (int i = 0; i < n; i++) {\n    sum += x[i] * y[i];\n}"),
    EMOJI("I ❤️ Java 👩‍💻🎉!");

    private final String text;

    Sample(String text) {
      this.text = text;
    }

    public String text() {
      return text;
    }
  }

  /// @throws IllegalArgumentException if the text is empty
  public static TokenizerComparison of(Tokenizer tokenizer, String text) {
    if (text.isEmpty()) throw new IllegalArgumentException("text must not be empty");
    int[] ids = tokenizer.encode(text);
    return new TokenizerComparison(
        ids.length,
        text.codePointCount(0, text.length()),
        text.getBytes(StandardCharsets.UTF_8).length,
        tokenizer.decode(ids).equals(text));
  }

  /// Bytes of text that a token stands for.
  public double compression() {
    return (double) bytes / tokens;
  }

  /// Tokens that a character takes.
  public double fertility() {
    return (double) tokens / characters;
  }
}
