package lemma.sampling.generate;

/// Why a generation ended.
public enum FinishReason {
  /// A stop sequence came, as text or as tokens.
  STOP_SEQUENCE,
  /// The model drew an end token.
  END_OF_TEXT,
  /// The text is what its constraint asks for, and nothing can follow.
  CONSTRAINT_COMPLETE,
  /// As many tokens as were asked for.
  MAX_TOKENS,
  /// The model's context holds no further token.
  CONTEXT_FULL,
  /// Whoever listened wanted no more.
  CANCELLED
}
