package lemma.core.tokenizer;

/// Ids to text, one by one: what comes out, joined, is what decoding all ids at once gives, and never
/// half a character.
///
/// For one text and one thread.
public interface DecodeStream {

  /// The text that is certain with this token; empty if it has to wait for the next.
  ///
  /// @throws IllegalArgumentException if the id is outside the vocabulary
  String next(int id);

  /// What is left; U+FFFD if a character was cut off.
  String end();
}
