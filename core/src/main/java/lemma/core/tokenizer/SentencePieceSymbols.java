package lemma.core.tokenizer;

/// The names of the control pieces that a model knows by their use, and what an unknown piece is shown
/// as. A name need not be in the vocabulary.
public record SentencePieceSymbols(
    String begin, String end, String padding, String unknownSurface) {

  /// `<s>`, `</s>`, `<pad>` and ` ⁇ `.
  public static SentencePieceSymbols usual() {
    return new SentencePieceSymbols("<s>", "</s>", "<pad>", " ⁇ ");
  }
}
