package lemma.core.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/// Byte-pair encoding of characters: the `BPE` of Hugging Face's `tokenizer.json`.
///
/// A piece begins as its characters. One that is not in the vocabulary becomes its bytes, or the
/// unknown token, or nothing.
public final class BpeModel implements TokenModel {

  /// How pieces become the first symbols.
  ///
  /// @param unknown the id of characters that are not in the vocabulary; −1 if they are left out
  /// @param prefix in front of characters that do not begin a piece; empty if there is none
  /// @param suffix behind the character that ends a piece, such as `</w>`; empty if there is none
  /// @param fuseUnknown whether unknown neighbours are one token
  /// @param byteFallback whether unknown characters become their bytes, `<0xE4>`, if all are there
  /// @param wholePieces whether a piece that is a token is taken as it is, whatever the merges say:
  ///     `ignore_merges` of Llama 3
  public record Options(
      int unknown,
      String prefix,
      String suffix,
      boolean fuseUnknown,
      boolean byteFallback,
      boolean wholePieces) {
    /// Nothing of it.
    public static final Options PLAIN = new Options(-1, "", "", false, false, false);
  }

  private final Vocabulary vocabulary;
  private final List<Merge> mergeList;
  private final BpeMerges merges;
  private final Options options;
  private final int[] byteIds = new int[256];

  /// @throws IllegalArgumentException if a merge or the unknown token is not in the vocabulary, or a
  ///     pair has two merges
  public BpeModel(Vocabulary vocabulary, List<Merge> merges, Options options) {
    this.vocabulary = vocabulary;
    this.mergeList = List.copyOf(merges);
    this.merges = new BpeMerges(mergeList);
    this.options = options;
    for (Merge merge : mergeList) {
      vocabulary.token(merge.left());
      vocabulary.token(merge.right());
      vocabulary.token(merge.merged());
    }
    if (options.unknown != -1) vocabulary.token(options.unknown);
    Arrays.setAll(byteIds, b -> vocabulary.id("<0x%02X>".formatted(b)).orElse(-1));
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /// The merges in the order in which they were learned.
  public List<Merge> merges() {
    return mergeList;
  }

  public Options options() {
    return options;
  }

  @Override
  public List<Segment> tokenize(String text) {
    if (options.wholePieces) {
      OptionalInt whole = vocabulary.id(text);
      if (whole.isPresent()) return List.of(new Segment(whole.getAsInt(), 0, text.length()));
    }
    var symbols = new Symbols(text.length());
    for (int from = 0; from < text.length(); ) {
      int to = from + Character.charCount(text.codePointAt(from));
      String character = text.substring(from, to);
      if (from > 0) character = options.prefix + character;
      if (to == text.length()) character += options.suffix;
      symbols.character(character, from, to);
      from = to;
    }
    symbols.endUnknown();
    merges.merge(symbols.piece);
    return symbols.segments();
  }

  /// The first symbols of a piece, and which of its characters each came from.
  private final class Symbols {
    private final BpeMerges.Piece piece = new BpeMerges.Piece();
    private final int[] from;
    private final int[] to;
    private int unknownFrom;
    private int unknownTo; // beyond `unknownFrom` while an unknown token is open

    Symbols(int length) {
      from = new int[3 * length]; // a char is 3 bytes at most
      to = new int[3 * length];
      piece.reserve(3 * length);
    }

    private void add(int id, int begin, int end) {
      from[piece.length] = begin;
      to[piece.length] = end;
      piece.add(id, piece.length + 1);
    }

    void character(String character, int begin, int end) {
      OptionalInt id = vocabulary.id(character);
      if (id.isPresent()) {
        endUnknown();
        add(id.getAsInt(), begin, end);
      } else if (!(options.byteFallback && bytes(character, begin, end)) && options.unknown != -1) {
        if (!options.fuseUnknown) endUnknown();
        if (unknownTo == unknownFrom) unknownFrom = begin;
        unknownTo = end;
      }
    }

    private boolean bytes(String character, int begin, int end) {
      byte[] utf8 = character.getBytes(StandardCharsets.UTF_8);
      for (byte b : utf8) if (byteIds[b & 0xFF] == -1) return false;
      endUnknown();
      for (byte b : utf8) add(byteIds[b & 0xFF], begin, end);
      return true;
    }

    void endUnknown() {
      if (unknownTo == unknownFrom) return;
      add(options.unknown, unknownFrom, unknownTo);
      unknownFrom = unknownTo;
    }

    List<Segment> segments() {
      List<Segment> segments = new ArrayList<>(piece.length);
      int first = 0; // of the symbols that were merged into one
      for (int i = 0; i < piece.length; i++) {
        segments.add(new Segment(piece.symbols[i], from[first], to[piece.ends[i] - 1]));
        first = piece.ends[i];
      }
      return segments;
    }
  }
}
