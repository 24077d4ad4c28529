/// Speculative decoding: several tokens are guessed cheaply and checked by the model in one pass.
///
/// | type | |
/// |---|---|
/// | [SpeculativeSampling] | the rule: which guesses stay, and what is drawn after them |
/// | [SpeculativeDecoder] | the loop around a model |
/// | [Draft] | who guesses: [DraftModel], a smaller model; [PromptLookup], the text itself |
///
/// Read [SpeculativeSampling] first.
package lemma.sampling.speculative;
