package lemma.core.tokenizer;

/// A token that is recognised by its name before anything is split or merged.
///
/// @param special whether it controls the model and is not part of the text
/// @param stripLeft whether it takes the white space in front of it along
/// @param stripRight whether it takes the white space behind it along
/// @param singleWord whether it must not touch other words
/// @param normalised whether it is looked for in the normalised text, and normalised for that itself
public record AddedToken(
    int id,
    String content,
    boolean special,
    boolean stripLeft,
    boolean stripRight,
    boolean singleWord,
    boolean normalised) {

  /// @throws IllegalArgumentException if the id is negative or there is no content
  public AddedToken {
    if (id < 0) throw new IllegalArgumentException("id must be 0 or more, was " + id);
    if (content.isEmpty()) throw new IllegalArgumentException("added token " + id + " is empty");
  }

  /// Without any of the options.
  public AddedToken(int id, String content, boolean special) {
    this(id, content, special, false, false, false, false);
  }
}
