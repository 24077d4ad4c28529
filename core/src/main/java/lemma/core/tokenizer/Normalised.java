package lemma.core.tokenizer;

import java.util.Arrays;

/// A normalised text that knows where it came from: `text.charAt(i)` was made of the source's
/// `char`s `[from[i], to[i])`, and of none of them if it was put in.
///
/// The arrays are shared, not copied.
public record Normalised(String text, int[] from, int[] to) {

  /// @throws IllegalArgumentException if an array is not as long as the text
  public Normalised {
    if (from.length != text.length() || to.length != text.length())
      throw new IllegalArgumentException(
          "from has %d and to has %d entries for %d chars"
              .formatted(from.length, to.length, text.length()));
  }

  /// Puts a normalised text together, piece by piece.
  static final class Builder {
    private final StringBuilder text = new StringBuilder();
    private int[] from = new int[16];
    private int[] to = new int[16];

    /// Appends what was made of the source's `[begin, end)`, every character of all of it.
    void add(String characters, int begin, int end) {
      int before = text.length();
      text.append(characters);
      if (text.length() > from.length) {
        from = Arrays.copyOf(from, 2 * text.length());
        to = Arrays.copyOf(to, 2 * text.length());
      }
      Arrays.fill(from, before, text.length(), begin);
      Arrays.fill(to, before, text.length(), end);
    }

    boolean isEmpty() {
      return text.isEmpty();
    }

    boolean endsWith(char last) {
      return !text.isEmpty() && text.charAt(text.length() - 1) == last;
    }

    void removeLast() {
      text.setLength(text.length() - 1);
    }

    Normalised build() {
      return new Normalised(
          text.toString(), Arrays.copyOf(from, text.length()), Arrays.copyOf(to, text.length()));
    }
  }
}
