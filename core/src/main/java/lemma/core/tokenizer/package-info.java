/// Tokenizers: text to ids and back.
///
/// | type | |
/// |---|---|
/// | [Tokenizer] | what every tokenizer can do; [DecodeStream] gives text as ids come |
/// | [ByteLevelBpe], [Tiktoken] | byte-level BPE: GPT-2, GPT-4, Llama 3, Qwen |
/// | [PublishedPattern] | the patterns that published tokenizers cut texts by |
/// | [BpeTraining], [BpeMerges] | learns merges from words, applies them to one piece |
/// | [WordPieceTraining], [WordPiece] | joins by surprise, encodes by the longest match |
/// | [SentencePieceModel] | SentencePiece: normaliser, pieces, byte fallback; [SentencePieceFile] reads and writes it |
/// | [Unigram], [SentencePieceBpe] | split by probability, or join by score: [PieceModel] |
/// | [UnigramLattice] | all segmentations of a text: the n best, samples, entropy |
/// | [UnigramTraining], [SentencePieceBpeTraining] | learn pieces from [SentencePieceWords] |
/// | [Pipeline] | the steps of `tokenizer.json` with spans: [Normalizer], [PreTokenizer], [TokenModel], [PostProcessor], [Decoder] |
/// | [TokenizerFile] | opens any of them: [TokenizerJson], [GgufVocabulary], [SentencePieceFile] |
///
/// Reading order: [BpeTraining], [BpeMerges], [ByteLevelBpe]; then [Pipeline].
package lemma.core.tokenizer;
