package lemma.core.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// GPT-2's way to write any bytes as printable characters, so that a vocabulary is a text file.
///
/// ```
/// byte        33…126  161…172  174…255  the other 68, in order
/// character   the same code             U+0100, U+0101, … U+0143
/// ```
///
/// A space (32) is among the others and becomes `Ġ`, a line feed `Ċ`.
///
/// Radford et al. 2019, section 2.2; openai/gpt-2, `encoder.py`. Answer: `tokenizer/bpe.md`.
public final class ByteAlphabet {
  private static final char[] CHARACTERS = characters();
  private static final short[] BYTES = bytes();

  private ByteAlphabet() {}

  private static char[] characters() {
    char[] characters = new char[256];
    char next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= 33 && b <= 126 || b >= 161 && b != 173;
      characters[b] = printable ? (char) b : next++;
    }
    return characters;
  }

  private static short[] bytes() {
    short[] bytes = new short[256 + 68];
    Arrays.fill(bytes, (short) -1);
    for (int b = 0; b < 256; b++) bytes[CHARACTERS[b]] = (short) b;
    return bytes;
  }

  /// The character of a byte, 0 … 255.
  public static char character(int b) {
    return CHARACTERS[b & 0xFF];
  }

  /// Bytes as characters, one for one.
  public static String write(byte[] bytes) {
    var text = new StringBuilder(bytes.length);
    for (byte b : bytes) text.append(character(b));
    return text.toString();
  }

  /// The UTF-8 bytes of a character as characters.
  public static String write(int codePoint) {
    return write(Character.toString(codePoint).getBytes(StandardCharsets.UTF_8));
  }

  /// Whether every character stands for a byte.
  public static boolean holds(String text) {
    return text.chars().allMatch(c -> c < BYTES.length && BYTES[c] >= 0);
  }

  /// The bytes that were written.
  ///
  /// @throws IllegalArgumentException if a character stands for no byte
  public static byte[] read(String text) {
    byte[] bytes = new byte[text.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = text.charAt(i);
      if (c >= BYTES.length || BYTES[c] < 0)
        throw new IllegalArgumentException("U+%04X stands for no byte".formatted((int) c));
      bytes[i] = (byte) BYTES[c];
    }
    return bytes;
  }
}
