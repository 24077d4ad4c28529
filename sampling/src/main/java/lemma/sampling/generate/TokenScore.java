package lemma.sampling.generate;

/// A token and ln P of it in the model's own distribution, before any filter.
public record TokenScore(int token, double logProbability) {}
