package lemma.sampling.filter;

import java.util.List;

/// One link of the chain from logits to a token: reshapes a step's scores or removes tokens.
///
/// A removed token gets −∞. Each link sees what the one before it left, so the order of a chain is
/// part of its meaning.
///
/// | link | keeps |
/// |---|---|
/// | [Temperature] | everything, sharper or flatter |
/// | [TopK] | the k largest |
/// | [TopP] | the smallest set of mass p |
/// | [DynamicTemperature] | everything, sharper where the model is sure |
/// | [MinP], [TopA], [EpsilonCutoff], [EtaCutoff] | what is probable enough |
/// | [TopNSigma], [TailFree] | what stands out of the noise, or before the tail |
/// | [TypicalP] | what is about as surprising as expected |
/// | [Xtc], [Mirostat] | with a state of their own: opened for one text |
/// | [RepetitionPenalty], [PresenceFrequencyPenalty], [Dry] | everything, repetition pushed down |
/// | [NoRepeatNGram] | what repeats no n-gram |
/// | [SequenceBias], [BadWords] | everything or all but some, by what stands before |
/// | [SuppressedTokens], [ForcedTokens], [ExponentialLengthPenalty] | by the length of the text |
///
/// Which comes first: [ChainOrder].
@FunctionalInterface
public interface LogitsProcessor {

  /// The scores that this link makes of `logits`, in a new array.
  ///
  /// @param history the tokens so far, prompt included
  /// @throws IllegalArgumentException if the logits are no scores, see [Logits#check]
  double[] process(int[] history, double[] logits);

  /// The links one after the other; no link leaves the logits as they are.
  static LogitsProcessor chain(List<? extends LogitsProcessor> links) {
    List<LogitsProcessor> copy = List.copyOf(links);
    return (history, logits) -> {
      Logits.check(logits);
      double[] scores = logits.clone();
      for (LogitsProcessor link : copy) scores = link.process(history, scores);
      return scores;
    };
  }

  static LogitsProcessor chain(LogitsProcessor... links) {
    return chain(List.of(links));
  }
}
