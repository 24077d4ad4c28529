/// Language models, from their files to their logits.
///
/// | type | what it is |
/// |---|---|
/// | [Llama], [LlamaConfig] | the formula: Llama, Mistral, Qwen2 and Qwen3, to read and to train |
/// | [LlamaDecoder] | the same made fast, on mapped weights |
/// | [LanguageModel] | what both are to those who sample: tokens in, logits out |
/// | [ModelConfig] | what a checkpoint's `config.json` says |
package lemma.core.model;
