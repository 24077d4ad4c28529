/// Search: looking for a probable text instead of drawing one.
///
/// | type | looks at |
/// |---|---|
/// | [GreedySearch] | the most probable token of each step |
/// | [BeamSearch] | the most probable continuations, several at a time |
/// | [DiverseBeamSearch] | the same in groups that avoid each other's tokens |
/// | [ContrastiveSearch] | probable tokens whose hidden states are unlike those of the text |
///
/// A search is written on [NextToken], a model as a function of the text; `NextToken.of(model,
/// beams)` makes one that remembers what it has read. Searches return [Hypothesis]es, ranked by a
/// [LengthPenalty].
package lemma.sampling.search;
