/// Tokenizers: text to ids and back.
///
/// | type | |
/// |---|---|
/// | [Tokenizer] | what every tokenizer can do; [Decoder] gives text as ids come |
/// | [ByteLevelBpe] | byte-level BPE: GPT-2, Llama 3, Qwen |
/// | [PreTokenizer] | the pieces that merges never cross |
/// | [BpeMerges] | applies merges to one piece |
/// | [BpeTraining] | learns merges from words |
/// | [SentencePieceModel] | SentencePiece: normaliser, pieces, byte fallback; [SentencePieceFile] reads and writes it |
/// | [Unigram], [SentencePieceBpe] | split by probability, or join by score: [PieceModel] |
/// | [UnigramLattice] | all segmentations of a text: the n best, samples, entropy |
/// | [UnigramTraining], [SentencePieceBpeTraining] | learn pieces from [SentencePieceWords] |
/// | [TokenizerFile] | opens any of them: also [GgufTokenizer] |
/// | [TokenizerJson] | reads and writes `tokenizer.json` of Hugging Face |
///
/// Reading order: [BpeTraining], [BpeMerges], [ByteLevelBpe].
package lemma.core.tokenizer;
