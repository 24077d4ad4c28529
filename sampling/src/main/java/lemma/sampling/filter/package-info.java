/// Filters: what a step's logits go through before a token is drawn.
///
/// The formula forms are links of a chain on `double[]`, [LogitsProcessor]; a removed token has −∞.
/// The fast forms work on `float[]` and hold the few tokens that stay in [Candidates].
///
/// | to read first | for |
/// |---|---|
/// | [Temperature], [TopK], [TopP], [MinP] | the formulas |
/// | [TypicalP], [EtaCutoff], [TopA], [Xtc], [Mirostat] | other ways to cut the tail |
/// | [RepetitionPenalty], [NoRepeatNGram], [Dry] | remedies against repetition |
/// | [SequenceBias], [SuppressedTokens], [ForcedTokens] | rules about tokens and lengths |
/// | [ChainOrder] | the order of the links, engine by engine |
/// | [TopKKernel], [TopPKernel] | four algorithms each, side by side |
/// | [LogitScan] | the vectorised passes that they are made of |
/// | [SamplingKernel] | the whole step |
package lemma.sampling.filter;
