package lemma.core.jinja;

/// A piece of a template: text outside of tags, the ends of a tag, or a word inside.
record Token(Kind kind, String text, int line) {
  enum Kind {
    TEXT,
    OUTPUT_BEGIN,
    OUTPUT_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind wanted, String word) {
    return kind == wanted && text.equals(word);
  }

  @Override
  public String toString() {
    return switch (kind) {
      case END -> "the end of the template";
      case TEXT -> "text";
      case STRING -> "a string";
      default -> "\"" + text + "\"";
    };
  }
}
