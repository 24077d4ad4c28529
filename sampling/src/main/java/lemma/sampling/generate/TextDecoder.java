package lemma.sampling.generate;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.function.IntFunction;

/// Tokens to text, one by one, without ever showing half a character.
public interface TextDecoder {

  /// The characters that are complete with this token; empty if it ends inside of the first.
  String next(int token);

  /// What is left: U+FFFD if a character was cut off.
  String end();

  /// For tokens that stand for bytes of UTF-8 and may end inside a character.
  ///
  /// @param bytes what a token stands for, such as a tokenizer's `bytes`
  static TextDecoder utf8(IntFunction<byte[]> bytes) {
    return new Utf8(bytes);
  }

  /// Keeps the bytes of an unfinished character, at most three, until their end arrives.
  final class Utf8 implements TextDecoder {
    private final IntFunction<byte[]> bytesOf;
    private final CharsetDecoder charset =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private byte[] unfinished = {};

    private Utf8(IntFunction<byte[]> bytesOf) {
      this.bytesOf = bytesOf;
    }

    @Override
    public String next(int token) {
      return decode(bytesOf.apply(token), false);
    }

    @Override
    public String end() {
      String rest = decode(new byte[0], true);
      charset.reset();
      return rest;
    }

    private String decode(byte[] added, boolean end) {
      ByteBuffer bytes = ByteBuffer.allocate(unfinished.length + added.length);
      bytes.put(unfinished).put(added).flip();
      CharBuffer text = CharBuffer.allocate(bytes.remaining() + 1);
      charset.decode(bytes, text, end);
      if (end) charset.flush(text);
      unfinished = new byte[bytes.remaining()];
      bytes.get(unfinished);
      return text.flip().toString();
    }
  }
}
