package lemma.core.tokenizer;

/// A token that is recognised by its name before anything is split or merged.
///
/// @param special whether it controls the model and is not part of the text
public record AddedToken(int id, String content, boolean special) {

  /// @throws IllegalArgumentException if the id is negative or there is no content
  public AddedToken {
    if (id < 0) throw new IllegalArgumentException("id must be 0 or more, was " + id);
    if (content.isEmpty()) throw new IllegalArgumentException("added token " + id + " is empty");
  }
}
