package lemma.core.tokenizer;

/// The classes of characters that tokenizers speak of, by Unicode's properties.
final class CharacterClass {
  private static final int MARKS =
      1 << Character.NON_SPACING_MARK
          | 1 << Character.COMBINING_SPACING_MARK
          | 1 << Character.ENCLOSING_MARK;
  private static final int PUNCTUATION =
      1 << Character.CONNECTOR_PUNCTUATION
          | 1 << Character.DASH_PUNCTUATION
          | 1 << Character.START_PUNCTUATION
          | 1 << Character.END_PUNCTUATION
          | 1 << Character.INITIAL_QUOTE_PUNCTUATION
          | 1 << Character.FINAL_QUOTE_PUNCTUATION
          | 1 << Character.OTHER_PUNCTUATION;
  private static final int NUMBERS =
      1 << Character.DECIMAL_DIGIT_NUMBER
          | 1 << Character.LETTER_NUMBER
          | 1 << Character.OTHER_NUMBER;
  private static final int OTHERS =
      1 << Character.CONTROL
          | 1 << Character.FORMAT
          | 1 << Character.PRIVATE_USE
          | 1 << Character.SURROGATE
          | 1 << Character.UNASSIGNED;

  private CharacterClass() {}

  private static boolean in(int codePoint, int types) {
    return (types >> Character.getType(codePoint) & 1) != 0;
  }

  /// Unicode's White_Space, which is `\s`: not Java's own notion.
  static boolean whiteSpace(int c) {
    return switch (c) {
      case 0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000 -> true;
      default -> c >= 9 && c <= 13 || c >= 0x2000 && c <= 0x200A;
    };
  }

  /// Category P, and the symbols among ASCII.
  static boolean punctuation(int c) {
    return c < 128 ? asciiPunctuation(c) : in(c, PUNCTUATION);
  }

  static boolean asciiPunctuation(int c) {
    return c > 32 && c < 127 && !Character.isLetterOrDigit(c);
  }

  /// Category N.
  static boolean number(int c) {
    return in(c, NUMBERS);
  }

  /// Category M.
  static boolean mark(int c) {
    return in(c, MARKS);
  }

  /// Category Mn.
  static boolean nonSpacingMark(int c) {
    return Character.getType(c) == Character.NON_SPACING_MARK;
  }

  /// Category C: controls, formats, private and unassigned.
  static boolean other(int c) {
    return in(c, OTHERS);
  }

  /// What `\w` matches.
  static boolean word(int c) {
    return Character.isAlphabetic(c)
        || mark(c)
        || Character.isDigit(c)
        || Character.getType(c) == Character.CONNECTOR_PUNCTUATION
        || c == 0x200C
        || c == 0x200D;
  }

  /// The blocks of Chinese characters, as BERT lists them.
  static boolean chinese(int c) {
    return c >= 0x4E00 && c <= 0x9FFF
        || c >= 0x3400 && c <= 0x4DBF
        || c >= 0x20000 && c <= 0x2A6DF
        || c >= 0x2A700 && c <= 0x2B73F
        || c >= 0x2B740 && c <= 0x2B81F
        || c >= 0x2B920 && c <= 0x2CEAF
        || c >= 0xF900 && c <= 0xFAFF
        || c >= 0x2F800 && c <= 0x2FA1F;
  }
}
