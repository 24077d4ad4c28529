package lemma.diffusion.glyph;

import java.util.List;
import java.util.stream.IntStream;

/// One of the 36 classes of the data set: digits first, then capital letters.
///
/// ```
/// label   0 … 9    10 … 35
/// symbol '0'…'9'  'A'…'Z'
/// ```
///
/// @param label the class index the model is conditioned on, 0…35
public record GlyphClass(int label) {

  private static final String SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

  /// The number of classes.
  public static final int COUNT = SYMBOLS.length();

  /// @throws IllegalArgumentException if `label` is not in 0…35
  public GlyphClass {
    if (label < 0 || label >= COUNT) {
      throw new IllegalArgumentException(
          "label must be between 0 and " + (COUNT - 1) + ", was " + label);
    }
  }

  /// The class of a character.
  ///
  /// @throws IllegalArgumentException if `symbol` is not a digit 0-9 or a capital letter A-Z
  public static GlyphClass of(char symbol) {
    int label = SYMBOLS.indexOf(symbol);
    if (label < 0) {
      throw new IllegalArgumentException(
          "symbol must be a digit 0-9 or a capital letter A-Z, was '%c' (U+%04X)"
              .formatted(symbol, (int) symbol));
    }
    return new GlyphClass(label);
  }

  /// All classes in the order of their labels.
  public static List<GlyphClass> all() {
    return IntStream.range(0, COUNT).mapToObj(GlyphClass::new).toList();
  }

  /// The character that this class draws.
  public char symbol() {
    return SYMBOLS.charAt(label);
  }

  @Override
  public String toString() {
    return String.valueOf(symbol());
  }
}
