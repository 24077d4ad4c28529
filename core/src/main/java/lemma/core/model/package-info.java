/// Language models, from their files to their logits.
///
/// | type | what it is |
/// |---|---|
/// | [Llama], [Gpt2] | decoders, as formulas: to read and to train |
/// | [PrefixLm] | a decoder whose prefix sees itself in both directions |
/// | [Bert] | an encoder with its head for masked words |
/// | [T5] | an encoder and a decoder that looks at it |
/// | [Embedding] | the table in front of all of them, and often behind them |
/// | [LlamaDecoder], [Gpt2Decoder] | the decoders made fast, on mapped weights: [DecoderModel#open] |
/// | [LanguageModel] | what they are to those who sample: tokens in, logits out |
/// | [ModelConfig] | what a checkpoint says about its model |
/// | [GgufExport], [GgufImport] | a folder as a GGUF file, and back |
package lemma.core.model;
