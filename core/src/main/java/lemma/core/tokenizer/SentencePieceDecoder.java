package lemma.core.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import lemma.core.tokenizer.SentencePiece.Type;

/// Ids of SentencePiece to text, one by one.
///
/// A space in front of everything was put there by normalisation and is left out. Bytes come out as
/// soon as they are a character; each one that belongs to no character becomes U+FFFD.
///
/// For one text and one thread.
final class SentencePieceDecoder implements DecodeStream {
  private static final String REPLACEMENT = "\uFFFD";

  private final SentencePieceModel model;
  private final boolean onlyFirst; // whether at most one space is left out
  private final CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
  private byte[] pending = {};
  private boolean begun; // whether a space is text from here on

  SentencePieceDecoder(SentencePieceModel model) {
    this.model = model;
    SentencePieceNormaliser normaliser = model.normaliser();
    onlyFirst = !normaliser.removeExtraWhitespaces();
    begun = onlyFirst && !normaliser.addDummyPrefix();
  }

  @Override
  public String next(int id) {
    SentencePiece piece = model.piece(id);
    if (piece.type() == Type.BYTE) return noted(bytes(piece.value()));
    String before = noted(end());
    return before + noted(text(piece));
  }

  private String text(SentencePiece piece) {
    if (piece.type() == Type.CONTROL) return "";
    if (piece.type() == Type.UNKNOWN) return model.symbols().unknownSurface();
    String text = piece.text();
    if (!begun && text.charAt(0) == SentencePiece.SPACE) {
      text = text.substring(1);
      begun = onlyFirst;
    }
    return text.replace(SentencePiece.SPACE, ' ');
  }

  private String noted(String text) {
    begun |= !text.isEmpty();
    return text;
  }

  /// U+FFFD for each byte of a character that was cut off.
  @Override
  public String end() {
    String text = REPLACEMENT.repeat(pending.length);
    pending = new byte[0];
    return text;
  }

  private String bytes(int next) {
    ByteBuffer bytes = ByteBuffer.allocate(pending.length + 1);
    bytes.put(pending).put((byte) next).flip();
    CharBuffer text = CharBuffer.allocate(2 * bytes.remaining());
    while (true) {
      CoderResult result = utf8.reset().decode(bytes, text, false);
      if (!result.isError()) break;
      bytes.get();
      text.put(REPLACEMENT);
    }
    pending = new byte[bytes.remaining()];
    bytes.get(pending);
    return text.flip().toString();
  }
}
