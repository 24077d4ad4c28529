package lemma.core.tokenizer;

import java.util.List;
import java.util.OptionalInt;

/// Text to the ids that a language model speaks of, and back.
///
/// A [Decoder] turns ids into text as they come, one by one.
public interface Tokenizer {

  /// The number of ids: they are 0 … vocabularySize − 1.
  int vocabularySize();

  /// The ids of a text. Added tokens that stand in it by their name, such as `<|endoftext|>`, become
  /// their id; nothing is put in front or behind.
  int[] encode(String text);

  /// The bytes that an id stands for, in UTF-8: a token may end in the middle of a character.
  ///
  /// @throws IllegalArgumentException if the id is outside the vocabulary
  byte[] bytes(int id);

  /// The tokens that were added to the vocabulary and are recognised by their name.
  List<AddedToken> addedTokens();

  /// Ids that the model expects in front of every text, such as its begin-of-text token.
  default int[] prefix() {
    return new int[0];
  }

  /// The text of the ids. Bytes that are no UTF-8 become U+FFFD.
  default String decode(int... ids) {
    var decoder = new Decoder(this);
    var text = new StringBuilder();
    for (int id : ids) text.append(decoder.next(id));
    return text.append(decoder.end()).toString();
  }

  /// The id of an added token by its name.
  default OptionalInt addedToken(String content) {
    return addedTokens().stream()
        .filter(token -> token.content().equals(content))
        .mapToInt(AddedToken::id)
        .findFirst();
  }

  /// Whether the id is a control token, which is not shown to a reader.
  default boolean isSpecial(int id) {
    return addedTokens().stream().anyMatch(token -> token.id() == id && token.special());
  }
}
