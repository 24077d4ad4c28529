/// Generation: from a prompt to a stream of tokens, and from tokens to text.
///
/// | type | |
/// |---|---|
/// | [Generator] | continues prompts: one, several, one several times |
/// | [GenerationConfig] | the settings |
/// | [TokenStream] | a generation in progress |
/// | [TokenSampler] | one step: the fast form, or any chain of filters |
/// | [TextDecoder], [StopText] | tokens to text: whole characters, nothing of a stop sequence |
package lemma.sampling.generate;
