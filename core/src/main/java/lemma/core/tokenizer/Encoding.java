package lemma.core.tokenizer;

import java.util.List;

/// A text as tokens, with all that a model and a reader want to know of them.
public record Encoding(List<Token> tokens) {

  /// One token of a text.
  ///
  /// @param text as the vocabulary or the text has it
  /// @param start where it begins in its text, in chars
  /// @param end where it ends
  /// @param typeId 0 for the first text of a pair, 1 for the second, most of the time
  /// @param special whether a post-processor put it in: it stands for no text
  public record Token(int id, String text, int start, int end, int typeId, boolean special) {
    /// A token that stands for no text.
    static Token special(int id, String text, int typeId) {
      return new Token(id, text, 0, 0, typeId, true);
    }

    Token withType(int type) {
      return new Token(id, text, start, end, type, special);
    }
  }

  public Encoding {
    tokens = List.copyOf(tokens);
  }

  public int[] ids() {
    return tokens.stream().mapToInt(Token::id).toArray();
  }

  public int[] typeIds() {
    return tokens.stream().mapToInt(Token::typeId).toArray();
  }

  Encoding withType(int type) {
    return new Encoding(tokens.stream().map(token -> token.withType(type)).toList());
  }
}
