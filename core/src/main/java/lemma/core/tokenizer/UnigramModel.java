package lemma.core.tokenizer;

import java.util.List;

/// placeholder
public record UnigramModel(Vocabulary vocabulary) implements TokenModel {
  @Override
  public List<Segment> tokenize(String piece) {
    throw new UnsupportedOperationException();
  }
}
