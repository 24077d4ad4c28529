package lemma.core.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import lemma.core.tokenizer.SentencePiece.Type;

/// A SentencePiece tokenizer: the tokenizer of T5, XLM-R, Llama 2, Mistral and Gemma.
///
/// ```
/// text → normalised, spaces as ▁ → pieces → ids;   characters that no piece covers → their bytes
/// ```
///
/// The text is not cut into words first: a space is a character, and decoding is joining the pieces
/// and writing spaces for `▁`. It gives the normalised text, not always the original.
///
/// Names of control pieces that stand in a text are text.
///
/// Kudo & Richardson 2018, arXiv:1808.06226. Answer: `tokenizer/sentencepiece.md`.
public final class SentencePieceModel implements Tokenizer {
  private static final int NONE = -1;

  private final PieceModel model;
  private final SentencePieceNormaliser normaliser;
  private final SentencePieceSymbols symbols;
  private final boolean byteFallback;
  private final int[] prefix;
  private final int[] ofByte = new int[256];
  private final PieceTrie userDefined = new PieceTrie();
  private final List<AddedToken> added = new ArrayList<>();

  /// @param byteFallback whether a character that no piece covers becomes the pieces of its bytes in
  ///     UTF-8; it is unknown otherwise
  /// @param prefix ids in front of every text
  /// @throws IllegalArgumentException if bytes are missing, or there although they are not used, or a
  ///     reserved name is there twice, or an id is outside the vocabulary
  public SentencePieceModel(
      PieceModel model,
      SentencePieceNormaliser normaliser,
      SentencePieceSymbols symbols,
      boolean byteFallback,
      int... prefix) {
    this.model = model;
    this.normaliser = normaliser;
    this.symbols = symbols;
    this.byteFallback = byteFallback;
    this.prefix = prefix.clone();
    for (int id : prefix) piece(id);
    Arrays.fill(ofByte, NONE);
    Set<String> reserved = new HashSet<>();
    for (int id = 0; id < model.pieces().size(); id++) {
      SentencePiece piece = piece(id);
      if (!piece.type().matches() && !reserved.add(piece.text()))
        throw new IllegalArgumentException("piece %s is there twice".formatted(piece.text()));
      switch (piece.type()) {
        case BYTE -> ofByte[piece.value()] = id;
        case USER_DEFINED -> userDefined.add(piece.text(), id);
        default -> {}
      }
      if (piece.type() == Type.CONTROL || piece.type() == Type.UNKNOWN)
        added.add(new AddedToken(id, piece.text(), true));
      if (piece.type() == Type.USER_DEFINED) added.add(new AddedToken(id, piece.text(), false));
    }
    for (int b = 0; b < ofByte.length; b++)
      if (ofByte[b] == NONE == byteFallback)
        throw new IllegalArgumentException(
            "byte fallback is %s, but there is %s piece for byte %d"
                .formatted(byteFallback ? "on" : "off", byteFallback ? "no" : "a", b));
  }

  /// The same with ids in front of every text.
  public SentencePieceModel withPrefix(int... ids) {
    return new SentencePieceModel(model, normaliser, symbols, byteFallback, ids);
  }

  public PieceModel model() {
    return model;
  }

  public SentencePieceNormaliser normaliser() {
    return normaliser;
  }

  public SentencePieceSymbols symbols() {
    return symbols;
  }

  public boolean byteFallback() {
    return byteFallback;
  }

  /// A piece by its id.
  ///
  /// @throws IllegalArgumentException if the id is outside the vocabulary
  public SentencePiece piece(int id) {
    if (id < 0 || id >= vocabularySize())
      throw new IllegalArgumentException(
          "id %d is outside the vocabulary of %d".formatted(id, vocabularySize()));
    return model.pieces().get(id);
  }

  @Override
  public int vocabularySize() {
    return model.pieces().size();
  }

  /// The text that is split: normalised, with spaces as `▁`.
  public AlignedText normalise(String text) {
    return normaliser.apply(text, userDefined);
  }

  @Override
  public int[] encode(String text) {
    return segments(text).stream().mapToInt(Segment::id).toArray();
  }

  /// The ids of a text, each with the part of the text that it was made of. The bytes of a character
  /// have all of it.
  public List<Segment> segments(String text) {
    AlignedText normalised = normalise(text);
    return segments(normalised, model.encode(normalised.text()));
  }

  /// A segmentation of the normalised text, such as one drawn from [UnigramLattice], as ids with parts
  /// of the source.
  public List<Segment> segments(AlignedText normalised, List<Segment> segmentation) {
    List<Segment> result = new ArrayList<>();
    List<Segment> parts =
        byteFallback ? segmentation : Segment.fused(segmentation, model.unknownId());
    for (Segment part : parts) {
      int from = normalised.start(part.from());
      int to = normalised.end(part.to() - 1);
      if (byteFallback && part.id() == model.unknownId())
        for (byte b : utf8(normalised.text().substring(part.from(), part.to())))
          result.add(new Segment(ofByte[b & 0xFF], from, to));
      else result.add(new Segment(part.id(), from, to));
    }
    return result;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public byte[] bytes(int id) {
    SentencePiece piece = piece(id);
    return switch (piece.type()) {
      case BYTE -> new byte[] {(byte) piece.value()};
      case CONTROL -> new byte[0];
      case UNKNOWN -> utf8(symbols.unknownSurface());
      default -> utf8(piece.text().replace(SentencePiece.SPACE, ' '));
    };
  }

  /// The same: a name of a control piece is never more than text.
  @Override
  public int[] encodeOrdinary(String text) {
    return encode(text);
  }

  /// The spaces that normalisation puts in front of a text are taken away again.
  @Override
  public DecodeStream stream() {
    return new SentencePieceDecoder(this);
  }

  @Override
  public List<AddedToken> addedTokens() {
    return List.copyOf(added);
  }

  @Override
  public int[] prefix() {
    return prefix.clone();
  }

  /// The id of a control piece, such as [SentencePieceSymbols#begin].
  public OptionalInt control(String name) {
    return IntStream.range(0, vocabularySize())
        .filter(id -> piece(id).type() == Type.CONTROL && piece(id).text().equals(name))
        .findFirst();
  }
}
