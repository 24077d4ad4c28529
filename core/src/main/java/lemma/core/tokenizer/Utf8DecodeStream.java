package lemma.core.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.function.IntFunction;

/// The stream of a tokenizer whose text is the bytes of its tokens: a character comes out when its
/// last byte is there, and bytes that are no UTF-8 become U+FFFD.
public final class Utf8DecodeStream implements DecodeStream {
  private static final int LONGEST_CHARACTER = 4;
  private static final byte[] NOTHING = {};

  private final IntFunction<byte[]> bytesOf;
  private final CharsetDecoder utf8 =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private byte[] pending = NOTHING;

  /// @param bytesOf the bytes of an id
  public Utf8DecodeStream(IntFunction<byte[]> bytesOf) {
    this.bytesOf = bytesOf;
  }

  @Override
  public String next(int id) {
    return decode(bytesOf.apply(id), false);
  }

  @Override
  public String end() {
    return decode(NOTHING, true);
  }

  /// The characters that are complete with these bytes.
  String decode(byte[] added, boolean end) {
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
