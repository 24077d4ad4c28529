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

    /// Number of tokens so far.
    int position();

    /// Forgets every token from `position` on.
    ///
    /// @throws IllegalArgumentException if `position` is negative or past [#position()]
    void rewind(int position);
  }
}
