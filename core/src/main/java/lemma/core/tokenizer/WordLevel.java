package lemma.core.tokenizer;

import java.util.List;

/// A piece is a token or it is unknown.
///
/// @param unknown the id of what is not in the vocabulary
public record WordLevel(Vocabulary vocabulary, int unknown) implements TokenModel {

  /// @throws IllegalArgumentException if the unknown token is not in the vocabulary
  public WordLevel {
    vocabulary.token(unknown);
  }

  @Override
  public List<Segment> tokenize(String piece) {
    return List.of(new Segment(vocabulary.id(piece).orElse(unknown), 0, piece.length()));
  }
}
