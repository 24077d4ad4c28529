package lemma.sampling.search;

/// When a beam search that has as many ended texts as beams gives up its open ones.
///
/// | value | Hugging Face | stops when |
/// |---|---|---|
/// | [#AT_ONCE] | `True` | it has them |
/// | [#HEURISTIC] | `False` | the best open text, ended now, would not beat the worst of them |
/// | [#NEVER] | `"never"` | no continuation of the best open text can beat the worst of them |
///
/// Where α > 0 the score of an open text can still rise with its length, so the heuristic may miss
/// the best text. [#NEVER] bounds what is attainable by the longest text allowed.
public enum EarlyStopping {
  AT_ONCE,
  HEURISTIC,
  NEVER;

  /// Whether nothing is left to win.
  ///
  /// @param worst the lowest score of the ended texts
  /// @param best the highest ln P of a continuation, `length` tokens long
  boolean stops(LengthPenalty penalty, double worst, double best, int length, int maxTokens) {
    return switch (this) {
      case AT_ONCE -> true;
      case HEURISTIC -> worst >= penalty.score(best, length);
      case NEVER -> worst >= penalty.score(best, penalty.alpha() > 0 ? maxTokens : length);
    };
  }
}
