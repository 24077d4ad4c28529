package lemma.core.model;

import lemma.core.tensor.Tensor;

/// A prefix language model: the tokens of a prefix see each other in both directions, those after it
/// see the prefix and what came before them.
///
/// ```
/// query i sees key j     if  j < prefix  or  j ≤ i
/// ```
///
/// Nothing but the mask differs from a decoder, so the weights are those of a [Llama]; one that was
/// trained causally would have to be trained further. A prefix of 0 or 1 is the causal decoder, one
/// as long as the text an encoder. In a session the first [append][LanguageModel.Session#append] is
/// the prefix: it must be known as a whole, and can only be forgotten as a whole.
///
/// Raffel et al. 2020, section 3.2.1 and figure 4, arXiv:1910.10683; Dong et al. 2019 (UniLM),
/// arXiv:1905.03197. Answer: `model/architectures.md`.
public record PrefixLm(Llama decoder) implements LanguageModel {

  /// @throws IllegalArgumentException if the layers of `decoder` see a window only
  public PrefixLm {
    if (decoder.config().variant().slidingWindow() > 0)
      throw new IllegalArgumentException(
          "a prefix is seen whole, the decoder has a slidingWindow of "
              + decoder.config().variant().slidingWindow());
  }

  /// The logits of every position, `[batch, time, vocabularySize]`; the first `prefix` tokens of
  /// each text are its prefix.
  ///
  /// @throws IllegalArgumentException if `prefix` is negative or longer than the texts, or as
  ///     [Llama#forward] says
  public Tensor forward(int[][] tokens, int prefix) {
    for (int[] text : tokens)
      if (prefix < 0 || prefix > text.length)
        throw new IllegalArgumentException(
            "prefix must be in 0 … %d, was %d".formatted(text.length, prefix));
    Past past = new Past(decoder.config().layers()).withPrefix(prefix);
    return decoder.head(decoder.hiddenStates(tokens, past).getLast());
  }

  @Override
  public int vocabularySize() {
    return decoder.vocabularySize();
  }

  @Override
  public int contextLength() {
    return decoder.contextLength();
  }

  @Override
  public Session open() {
    return new FormulaSession(
        vocabularySize(),
        decoder.config().layers(),
        (tokens, past) ->
            decoder.states(tokens, past.length() == 0 ? past.withPrefix(tokens.length) : past),
        decoder::head);
  }
}
