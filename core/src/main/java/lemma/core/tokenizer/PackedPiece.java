package lemma.core.tokenizer;

/// A short piece of text in two longs: up to 12 characters of Latin-1, or up to 6 of others. Equal
/// longs are equal pieces, so that nothing else has to be compared.
///
/// ```
/// low   8 or 4 characters
/// high  the other 4 or 2: 32 bits · length, and which of the two it is: 5 bits · 27 bits left free
/// ```
final class PackedPiece {
  /// The bits of `high` that are 0 and may hold a number.
  static final int FREE = (1 << 27) - 1;

  private static final int LATIN = 12;
  private static final int WIDE = 6;
  private static final int LENGTH = 27;

  long low;
  long high;

  /// Packs a piece.
  ///
  /// @return whether it is short enough
  boolean pack(char[] text, int from, int to) {
    int length = to - from;
    if (length > LATIN) return false;
    long first = 0;
    long second = 0;
    int all = 0;
    for (int i = Math.min(length, 8) - 1; i >= 0; i--) {
      char c = text[from + i];
      all |= c;
      first = first << 8 | c;
    }
    for (int i = length - 1; i >= 8; i--) {
      char c = text[from + i];
      all |= c;
      second = second << 8 | c;
    }
    if (all > 0xFF) return packWide(text, from, length);
    low = first;
    high = second << 32 | (long) length << LENGTH;
    return true;
  }

  private boolean packWide(char[] text, int from, int length) {
    if (length > WIDE) return false;
    long first = 0;
    long second = 0;
    for (int i = Math.min(length, 4) - 1; i >= 0; i--) first = first << 16 | text[from + i];
    for (int i = length - 1; i >= 4; i--) second = second << 16 | text[from + i];
    low = first;
    high = second << 32 | (long) (LATIN + length) << LENGTH;
    return true;
  }

  int hash() {
    long mixed = (low ^ high * 0xC2B2AE3D27D4EB4FL) * 0x9E3779B97F4A7C15L;
    return (int) (mixed ^ mixed >>> 32);
  }
}
