package lemma.sampling.generate;

import java.util.List;
import java.util.Map;
import java.util.Set;
import lemma.sampling.filter.BadWords;
import lemma.sampling.filter.SequenceBias;

/// Which tokens may come, whatever the model thinks of them.
///
/// @param bias what is added to the last token of a sequence where it would complete it; a sequence
///     of one token is the `logit_bias` of APIs, see [SequenceBias]
/// @param badWords sequences that must not be completed, see [BadWords]
/// @param minTokens no end token before so many tokens; stop sequences count at any time
/// @param links further rules, each begun anew with every text: a constraint, a watermark
public record TokenRules(
    Map<List<Integer>, Double> bias,
    Set<List<Integer>> badWords,
    int minTokens,
    List<TextLink> links) {
  /// Everything goes.
  public static final TokenRules NONE = new TokenRules(Map.of(), Set.of(), 0, List.of());

  /// @throws IllegalArgumentException naming the rule that makes no sense
  public TokenRules {
    bias = new SequenceBias(bias).biases();
    badWords = new BadWords(badWords, Set.of()).sequences();
    if (minTokens < 0)
      throw new IllegalArgumentException("minTokens must be 0 or more, was " + minTokens);
    links = List.copyOf(links);
  }

  public TokenRules withBias(Map<List<Integer>, Double> biases) {
    return new TokenRules(biases, badWords, minTokens, links);
  }

  public TokenRules withBadWords(Set<List<Integer>> sequences) {
    return new TokenRules(bias, sequences, minTokens, links);
  }

  public TokenRules withMinTokens(int count) {
    return new TokenRules(bias, badWords, count, links);
  }

  public TokenRules withLinks(List<TextLink> further) {
    return new TokenRules(bias, badWords, minTokens, further);
  }
}
