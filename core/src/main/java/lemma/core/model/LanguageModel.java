package lemma.core.model;

/// A model that says how likely each token is to come next: P(xₜ | x₀ … xₜ₋₁) as logits.
///
/// The weights are shared; what a text has seen so far belongs to a [Session]. Any number of
/// sessions may run at once, each on one thread.
public interface LanguageModel {

  /// Number of tokens that the logits speak of.
  int vocabularySize();

  /// Largest number of tokens that a session can hold.
  int contextLength();

  /// A new, empty session.
  Session open();

  /// One text in progress, with its key/value cache.
  interface Session {

    /// Appends tokens and returns the logits after the last of them, `[vocabularySize]`.
    ///
    /// The array is the session's own: it is overwritten by the next call.
    ///
    /// @throws IllegalArgumentException if there is no token, a token is outside the vocabulary or
    ///     the context would overflow
    float[] append(int... tokens);

    /// Appends tokens and writes the logits after each of them, `[tokens, vocabularySize]`, to the
    /// front of `logits`: what it takes to check a guess of several tokens in one pass.
    ///
    /// @throws IllegalArgumentException if `logits` is too short, or as in [#append]
    default void appendEach(float[] logits, int... tokens) {
      if (tokens.length == 0) throw new IllegalArgumentException("there must be a token");
      for (int t = 0; t < tokens.length; t++) {
        float[] row = append(tokens[t]);
        Checks.logits(logits, tokens.length, row.length);
        System.arraycopy(row, 0, logits, t * row.length, row.length);
      }
    }

    /// Number of tokens so far.
    int position();

    /// Forgets every token from `position` on.
    ///
    /// @throws IllegalArgumentException if `position` is negative or past [#position()]
    void rewind(int position);
  }
}
