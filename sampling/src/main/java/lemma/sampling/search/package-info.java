/// Search: looking for a probable text instead of drawing one.
///
/// | type | looks at |
/// |---|---|
/// | [GreedySearch] | the most probable token of each step |
///
/// A search is written on [NextToken], a model as a function of the text.
package lemma.sampling.search;
