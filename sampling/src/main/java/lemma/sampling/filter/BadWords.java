package lemma.sampling.filter;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/// Removes the token that would complete one of the given sequences: [SequenceBias] with −∞.
///
/// A word can be spelt by several sequences of tokens, with and without a leading space for
/// instance: each has to be listed.
///
/// @param sequences what must not be said
/// @param endTokens tokens that may end the text even if a sequence consists of that token alone
public record BadWords(Set<List<Integer>> sequences, Set<Integer> endTokens)
    implements LogitsProcessor {

  /// @throws IllegalArgumentException if a sequence is empty or has a negative token
  public BadWords {
    sequences = sequences.stream().map(List::copyOf).collect(Collectors.toUnmodifiableSet());
    endTokens = Set.copyOf(endTokens);
    for (List<Integer> sequence : sequences) {
      if (sequence.isEmpty())
        throw new IllegalArgumentException("sequences of bad words must not be empty");
      History.checkTokens("sequences", sequence);
    }
  }

  /// @throws IllegalArgumentException if the last token of a sequence is outside the vocabulary
  @Override
  public double[] process(int[] history, double[] logits) {
    return new SequenceBias(
            sequences.stream()
                .filter(sequence -> sequence.size() > 1 || !endTokens.contains(sequence.getFirst()))
                .collect(Collectors.toMap(sequence -> sequence, sequence -> Logits.REMOVED)))
        .process(history, logits);
  }
}
