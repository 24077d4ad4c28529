package lemma.core.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/// Ids to text, one by one: characters come out when their last byte is there.
///
/// For one text and one thread.
public final class Decoder {
  private static final int LONGEST_CHARACTER = 4;

  private final Tokenizer tokenizer;
  private final CharsetDecoder utf8 =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private byte[] pending = {};

  public Decoder(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /// The characters that are complete with this token; none if it ends inside of the first.
  ///
  /// @throws IllegalArgumentException if the id is outside the vocabulary
  public String next(int id) {
    return decode(tokenizer.bytes(id), false);
  }

  /// What is left: U+FFFD if a character was cut off.
  public String end() {
    return decode(new byte[0], true);
  }

  private String decode(byte[] added, boolean end) {
    ByteBuffer bytes = ByteBuffer.allocate(pending.length + added.length);
    bytes.put(pending).put(added).flip();
    CharBuffer text = CharBuffer.allocate(bytes.remaining() + LONGEST_CHARACTER);
    utf8.decode(bytes, text, end);
    if (end) {
      utf8.flush(text);
      utf8.reset();
    }
    pending = new byte[bytes.remaining()];
    bytes.get(pending);
    return text.flip().toString();
  }
}
