package lemma.sampling.filter;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// The order in which an engine runs the links of a chain, by default.
///
/// Each filter sees the softmax of what the one before it left, so the same links in another order
/// keep other tokens. Answer: `sampling/sampling-order.md`.
public enum ChainOrder {
  /// `generate` of Hugging Face transformers: temperature first, then the cuts. (There a minimum
  /// length comes before forcing and other suppression after it, which only matters if a token is
  /// both forced and suppressed.)
  TRANSFORMERS(
      SequenceBias.class,
      RepetitionPenalty.class,
      NoRepeatNGram.class,
      BadWords.class,
      SuppressedTokens.class,
      ForcedTokens.class,
      ExponentialLengthPenalty.class,
      Temperature.class,
      TopK.class,
      TopP.class,
      MinP.class,
      TypicalP.class,
      EpsilonCutoff.class,
      EtaCutoff.class),

  /// The default chain of llama.cpp: the cuts first, temperature last.
  LLAMA_CPP(
      SequenceBias.class,
      RepetitionPenalty.class,
      PresenceFrequencyPenalty.class,
      Dry.class,
      TopNSigma.class,
      TopK.class,
      TypicalP.class,
      TopP.class,
      MinP.class,
      Xtc.Run.class,
      Temperature.class,
      DynamicTemperature.class),

  /// The sampler of vLLM (V1): temperature, then min-p before top-k and top-p.
  VLLM(
      BadWords.class,
      SuppressedTokens.class,
      SequenceBias.class,
      RepetitionPenalty.class,
      PresenceFrequencyPenalty.class,
      Temperature.class,
      MinP.class,
      TopK.class,
      TopP.class);

  private final List<Class<?>> links;

  ChainOrder(Class<?>... links) {
    this.links = List.of(links);
  }

  /// The links in this engine's order; links of one kind keep theirs.
  ///
  /// @throws IllegalArgumentException if the engine has no such link
  public List<LogitsProcessor> sort(List<? extends LogitsProcessor> unordered) {
    List<LogitsProcessor> ordered = new ArrayList<>(unordered);
    for (LogitsProcessor link : ordered)
      if (!links.contains(link.getClass()))
        throw new IllegalArgumentException(
            "%s has no place for %s".formatted(this, link.getClass().getSimpleName()));
    ordered.sort(Comparator.comparingInt(link -> links.indexOf(link.getClass())));
    return ordered;
  }

  /// The links as one chain in this order.
  public LogitsProcessor chain(LogitsProcessor... unordered) {
    return LogitsProcessor.chain(sort(List.of(unordered)));
  }
}
