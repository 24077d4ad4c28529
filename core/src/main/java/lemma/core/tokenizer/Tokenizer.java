package lemma.core.tokenizer;

import java.util.List;
import java.util.OptionalInt;

/// Text to the ids that a language model speaks of, and back.
///
/// A [DecodeStream] turns ids into text as they come, one by one.
public interface Tokenizer {

  /// The number of ids: they are 0 … vocabularySize − 1.
  int vocabularySize();

  /// The ids of a text. Added tokens that stand in it by their name, such as `<|endoftext|>`, become
  /// their id; nothing is put in front or behind.
  int[] encode(String text);

  /// The same, with the names of special tokens taken as text: for text that is not to be trusted.
  int[] encodeOrdinary(String text);

  /// The bytes that an id stands for inside of a text, in UTF-8: a token may end in the middle of a
  /// character.
  ///
  /// @throws IllegalArgumentException if the id is outside the vocabulary
  byte[] bytes(int id);

  /// The tokens that were added to the vocabulary and are recognised by their name.
  List<AddedToken> addedTokens();

  /// Ids that the model expects in front of every text, such as its begin-of-text token.
  default int[] prefix() {
    return new int[0];
  }

  /// A new stream of text, for ids as they come.
  default DecodeStream stream() {
    return new Utf8DecodeStream(this::bytes);
  }

  /// The text of the ids. Bytes that are no UTF-8 become U+FFFD.
  default String decode(int... ids) {
    DecodeStream stream = stream();
    var text = new StringBuilder();
    for (int id : ids) text.append(stream.next(id));
    return text.append(stream.end()).toString();
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
