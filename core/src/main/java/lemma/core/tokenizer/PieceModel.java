package lemma.core.tokenizer;

import java.util.List;

/// Splits a normalised text into the pieces of a vocabulary.
public sealed interface PieceModel permits Unigram, SentencePieceBpe {

  /// The vocabulary by id.
  List<SentencePiece> pieces();

  /// The id of a character that no piece covers.
  int unknownId();

  /// The segmentation of a text, without a gap; each unknown character by itself.
  List<Segment> encode(String text);

  /// The one piece of type unknown.
  ///
  /// @throws IllegalArgumentException if there is none, or several
  static int unknownId(List<SentencePiece> pieces) {
    int found = -1;
    for (int id = 0; id < pieces.size(); id++) {
      if (pieces.get(id).type() != SentencePiece.Type.UNKNOWN) continue;
      if (found >= 0)
        throw new IllegalArgumentException(
            "pieces %d and %d are both of type unknown".formatted(found, id));
      found = id;
    }
    if (found < 0) throw new IllegalArgumentException("no piece is of type unknown");
    return found;
  }
}
