package lemma.core.tokenizer;

import java.util.List;

/// The third step of a tokenizer: a piece becomes tokens of the vocabulary.
public sealed interface TokenModel permits BpeModel, UnigramModel, WordLevel, WordPiece {

  Vocabulary vocabulary();

  /// The tokens of a piece that is not empty, in order, with their places in it.
  List<Segment> tokenize(String piece);
}
