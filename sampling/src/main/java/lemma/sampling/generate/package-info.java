/// Generation: from a prompt to a stream of tokens, and from tokens to text.
///
/// | type | |
/// |---|---|
/// | [Generator] | continues prompts: one, several, one several times |
/// | [GenerationConfig] | the settings, and the order in which they act |
/// | [StopConditions], [TokenRules], [Penalties], [Filters] | its parts |
/// | [TextLink] | a rule with a memory of its own: a constraint, for instance |
/// | [TokenStream] | a generation in progress |
/// | [TokenSampler] | one step: the fast form, or any chain of filters |
/// | [TextDecoder], [StopText] | tokens to text: whole characters, nothing of a stop sequence |
package lemma.sampling.generate;
