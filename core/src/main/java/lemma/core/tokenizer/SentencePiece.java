package lemma.core.tokenizer;

import java.util.regex.Pattern;

/// A piece of a SentencePiece vocabulary: its text, in which `▁` stands for a space, and its score.
///
/// @param score for [Unigram] the logarithm of its probability, for [SentencePieceBpe] minus the
///     place at which it was learned
public record SentencePiece(String text, double score, Type type) {
  private static final Pattern BYTE = Pattern.compile("<0x[0-9A-F]{2}>");

  /// What stands for a space inside of pieces: U+2581.
  public static final char SPACE = '▁';

  /// What a piece is for. The file format numbers them in this order, from 1.
  public enum Type {
    /// Part of texts.
    NORMAL,
    /// What stands for characters that no piece covers; there is exactly one.
    UNKNOWN,
    /// Begin of text and the like: never the result of a text, invisible when decoded.
    CONTROL,
    /// Taken out of a text wherever it stands, before anything is normalised or split.
    USER_DEFINED,
    /// In the vocabulary, but never used.
    UNUSED,
    /// One byte of a character that no piece covers, as `<0xE4>`.
    BYTE;

    /// Whether a text can fall into pieces like this one.
    boolean matches() {
      return this == NORMAL || this == USER_DEFINED || this == UNUSED;
    }
  }

  /// @throws IllegalArgumentException if the text is empty, the score is no number, or the text of a
  ///     byte is not like `<0xE4>`
  public SentencePiece {
    if (text.isEmpty()) throw new IllegalArgumentException("a piece is empty");
    if (!Double.isFinite(score))
      throw new IllegalArgumentException(
          "the score of piece %s must be finite, was %s".formatted(text, score));
    if (type == Type.BYTE && !BYTE.matcher(text).matches())
      throw new IllegalArgumentException("byte piece %s is not like <0xE4>".formatted(text));
  }

  /// A piece of text.
  public static SentencePiece normal(String text, double score) {
    return new SentencePiece(text, score, Type.NORMAL);
  }

  /// The piece for a byte.
  public static SentencePiece ofByte(int value) {
    return new SentencePiece("<0x%02X>".formatted(value & 0xFF), 0, Type.BYTE);
  }

  /// The byte that a piece of type [Type#BYTE] stands for, 0 … 255.
  int value() {
    return Integer.parseInt(text, 3, 5, 16);
  }
}
