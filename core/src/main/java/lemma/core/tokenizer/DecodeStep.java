package lemma.core.tokenizer;

/// A decoder at work on one text: takes tokens, gives tokens, and keeps what it cannot give yet.
///
/// Tokens come in parts, since a step may give one that has no end until the text has.
interface DecodeStep {

  /// Takes a part of a token.
  interface Sink {
    void accept(String text, boolean begins, boolean ends);
  }

  void accept(String text, boolean begins, boolean ends, Sink out);

  /// There are no more tokens.
  default void end(Sink out) {}

  /// A step that looks at whole tokens.
  abstract class OfTokens implements DecodeStep {
    private final StringBuilder parts = new StringBuilder();
    private boolean first = true;

    abstract void token(String token, boolean first, Sink out);

    @Override
    public final void accept(String text, boolean begins, boolean ends, Sink out) {
      if (begins) parts.setLength(0);
      parts.append(text);
      if (!ends) return;
      token(parts.toString(), first, out);
      first = false;
    }
  }
}
