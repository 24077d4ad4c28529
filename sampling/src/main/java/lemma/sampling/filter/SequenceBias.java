package lemma.sampling.filter;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Adds to the logit of a token that would complete one of some sequences.
///
/// ```
/// x_last ← x_last + bias   if the history ends with the tokens before `last`
/// ```
///
/// A sequence of one token is always about to be completed: that is the `logit_bias` of APIs.
/// Biases of one token add up; −∞ removes it.
///
/// @param biases what to add, by sequence
public record SequenceBias(Map<List<Integer>, Double> biases) implements LogitsProcessor {

  /// @throws IllegalArgumentException if a sequence is empty or has a negative token, or a bias is
  ///     NaN or +∞
  public SequenceBias {
    biases =
        biases.entrySet().stream()
            .collect(
                Collectors.toUnmodifiableMap(e -> List.copyOf(e.getKey()), Map.Entry::getValue));
    biases.forEach((sequence, bias) -> {
      if (sequence.isEmpty())
        throw new IllegalArgumentException("biases must not have an empty sequence");
      History.checkTokens("biases", sequence);
      if (Double.isNaN(bias) || bias == Double.POSITIVE_INFINITY)
        throw new IllegalArgumentException(
            "bias of %s must be finite or -Infinity, was %s".formatted(sequence, bias));
    });
  }

  /// A bias for single tokens.
  public static SequenceBias ofTokens(Map<Integer, Double> biases) {
    return new SequenceBias(
        biases.entrySet().stream()
            .collect(Collectors.toMap(e -> List.of(e.getKey()), Map.Entry::getValue)));
  }

  /// @throws IllegalArgumentException if the last token of a sequence is outside the vocabulary
  @Override
  public double[] process(int[] history, double[] logits) {
    Logits.check(logits);
    double[] biased = logits.clone();
    biases.forEach((sequence, bias) -> {
      int last = History.inVocabulary("biases", sequence.getLast(), logits.length);
      if (History.awaitsLast(history, sequence)) biased[last] += bias;
    });
    return biased;
  }
}
