package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// Learns the pieces of a [Unigram] model: too many at first, then fewer and fewer.
///
/// ```
/// seed: all characters, and the frequent substrings with the largest frequency · length
/// until there are few enough:
///   E: how often each piece is expected, over all segmentations of all words
///   M: probabilities in proportion to that          (E and M `subIterations` times)
///   prune: drop the pieces whose loss costs the likelihood least, but no character
/// ```
///
/// E and M alone never lower the likelihood of the words. Pruning does, by as little as it can.
///
/// Kudo 2018, section 3.2, arXiv:1804.10959. Answer: `tokenizer/sentencepiece.md`.
///
/// @param vocabularySize of the result, characters included
/// @param seedSize the largest number of substrings to start with
/// @param shrinkingFactor the share of the pieces that stays at each pruning, below 1
/// @param subIterations of E and M between two prunings
/// @param longestPiece in characters
/// @param mStep how probabilities follow from expected counts
public record UnigramTraining(
    int vocabularySize,
    int seedSize,
    double shrinkingFactor,
    int subIterations,
    int longestPiece,
    MStep mStep) {
  private static final String UNKNOWN = "<unk>";
  private static final double FEWEST_EXPECTED = 0.5;
  private static final double LEAST_COUNT = 1e-100;
  private static final double SLACK = 1.1; // more than needed, until the last step picks the best

  /// How probabilities follow from the expected counts c, whose sum is C.
  public enum MStep {
    /// p = c / C: the likelihood cannot fall.
    MAXIMUM_LIKELIHOOD,
    /// p = exp(ψ(c) − ψ(C)), ψ being the digamma function, for a sparse prior: rare pieces get less
    /// than their share, and the sum is below 1. What SentencePiece does; the likelihood may fall.
    DIGAMMA;

    /// Log-probabilities from expected counts; a count of 0 is taken for a very small one, so that
    /// every score is finite.
    public Map<String, Double> apply(Map<String, Double> counts) {
      double sum = counts.values().stream().mapToDouble(Double::doubleValue).sum();
      Map<String, Double> logs = new LinkedHashMap<>(counts);
      logs.replaceAll((text, count) -> log(Math.max(count, LEAST_COUNT)) - log(sum));
      return logs;
    }

    private double log(double count) {
      return this == DIGAMMA ? digamma(count) : Math.log(count);
    }

    /// ψ(x) = ψ(x + 1) − 1/x, up to where its asymptotic series is exact to 1e-14.
    private static double digamma(double x) {
      double result = 0;
      for (; x < 10; x++) result -= 1 / x;
      double y = 1 / (x * x);
      double series =
          1 / 12.0
              - y
                  * (1 / 120.0
                      - y * (1 / 252.0 - y * (1 / 240.0 - y * (1 / 132.0 - y * 691 / 32760))));
      return result + Math.log(x) - 0.5 / x - y * series;
    }
  }

  /// @throws IllegalArgumentException if a number is out of its range
  public UnigramTraining {
    if (vocabularySize < 1)
      throw new IllegalArgumentException("vocabularySize must be positive, was " + vocabularySize);
    if (seedSize < 0)
      throw new IllegalArgumentException("seedSize must be 0 or more, was " + seedSize);
    if (!(shrinkingFactor > 0 && shrinkingFactor < 1))
      throw new IllegalArgumentException(
          "shrinkingFactor must be between 0 and 1, was " + shrinkingFactor);
    if (subIterations < 1)
      throw new IllegalArgumentException("subIterations must be positive, was " + subIterations);
    if (longestPiece < 1)
      throw new IllegalArgumentException("longestPiece must be positive, was " + longestPiece);
  }

  /// SentencePiece's settings for a vocabulary of this size.
  public static UnigramTraining ofSize(int vocabularySize) {
    return new UnigramTraining(vocabularySize, 1_000_000, 0.75, 2, 16, MStep.DIGAMMA);
  }

  /// One E step: what the words say about the pieces.
  ///
  /// @param counts how often each piece is expected, by piece
  /// @param logLikelihood Σ frequency · ln P(word)
  public record Expectation(Map<String, Double> counts, double logLikelihood) {}

  /// Learns from words, `▁the`, with their frequencies.
  ///
  /// @return the pieces, the most probable first, with their log-probabilities
  /// @throws IllegalArgumentException if there are more characters than `vocabularySize`
  public List<SentencePiece> learn(Map<String, Long> words) {
    return learn(words, seed(words));
  }

  /// The same from other pieces to start with, as log-probabilities; every character is among them.
  List<SentencePiece> learn(Map<String, Long> words, Map<String, Double> seed) {
    Map<String, Double> pieces = seed;
    Set<String> characters = characters(words).keySet();
    if (characters.size() > vocabularySize)
      throw new IllegalArgumentException(
          "vocabularySize must be at least %d, the number of characters, was %d"
              .formatted(characters.size(), vocabularySize));
    int wanted = (int) (SLACK * vocabularySize);
    while (true) {
      for (int i = 0; i < subIterations; i++)
        pieces = maximisation(expectation(pieces, words).counts, characters);
      if (pieces.size() <= wanted) return largest(pieces, characters);
      int fewer = Math.max(wanted, (int) (shrinkingFactor * pieces.size()));
      pieces = new UnigramPruning(model(pieces), words, characters).keep(fewer);
    }
  }

  private static Map<String, Long> characters(Map<String, Long> words) {
    Map<String, Long> counts = new TreeMap<>();
    words.forEach((word, frequency) ->
        word.codePoints().forEach(c -> counts.merge(Character.toString(c), frequency, Long::sum)));
    return counts;
  }

  /// The pieces to start with, as log-probabilities in proportion to frequency · length.
  Map<String, Double> seed(Map<String, Long> words) {
    Map<String, Long> found = new HashMap<>();
    Map<String, Long> frequent = characters(words);
    Map<String, Double> weights = new LinkedHashMap<>();
    frequent.forEach((character, frequency) -> weights.put(character, (double) frequency));
    for (int length = 2; length <= longestPiece && !frequent.isEmpty(); length++) {
      Map<String, Long> longer = extended(frequent.keySet(), words, length);
      longer.values().removeIf(frequency -> frequency < 2);
      found.putAll(longer);
      // what is always followed by the same character is only a part of something longer
      longer.forEach((text, frequency) ->
          found.remove(text.substring(0, text.offsetByCodePoints(text.length(), -1)), frequency));
      frequent = longer;
    }
    found.entrySet().stream()
        .sorted(
            Comparator.comparingDouble((Map.Entry<String, Long> each) -> -weight(each))
                .thenComparing(Map.Entry.comparingByKey()))
        .limit(seedSize)
        .forEach(each -> weights.put(each.getKey(), weight(each)));
    double sum = weights.values().stream().mapToDouble(Double::doubleValue).sum();
    weights.replaceAll((text, weight) -> Math.log(weight / sum));
    return weights;
  }

  private static double weight(Map.Entry<String, Long> substring) {
    String text = substring.getKey();
    return (double) substring.getValue() * text.codePointCount(0, text.length());
  }

  /// The substrings of `length` characters that begin with a frequent one that is shorter by one.
  private static Map<String, Long> extended(
      Set<String> frequent, Map<String, Long> words, int length) {
    Map<String, Long> counts = new HashMap<>();
    words.forEach((word, frequency) -> {
      int[] characters = word.codePoints().toArray();
      for (int i = 0; i + length <= characters.length; i++)
        if (frequent.contains(new String(characters, i, length - 1)))
          counts.merge(new String(characters, i, length), frequency, Long::sum);
    });
    return counts;
  }

  /// The E step.
  ///
  /// @param pieces log-probabilities by piece
  public static Expectation expectation(Map<String, Double> pieces, Map<String, Long> words) {
    List<String> texts = List.copyOf(pieces.keySet());
    Unigram model = model(pieces);
    double[] counts = new double[texts.size() + 1]; // the last is unknown
    double[] logLikelihood = {0};
    words.forEach((word, frequency) ->
        logLikelihood[0] += frequency * model.lattice(word).expect(counts, frequency));
    Map<String, Double> expected = new LinkedHashMap<>();
    for (int id = 0; id < texts.size(); id++) expected.put(texts.get(id), counts[id]);
    return new Expectation(expected, logLikelihood[0]);
  }

  /// A model of pieces with their log-probabilities, ids in the order of the map.
  static Unigram model(Map<String, Double> pieces) {
    List<SentencePiece> list = new ArrayList<>();
    pieces.forEach((text, score) -> list.add(SentencePiece.normal(text, score)));
    list.add(new SentencePiece(UNKNOWN, 0, SentencePiece.Type.UNKNOWN));
    return new Unigram(list, Unigram.Sums.FLOAT64);
  }

  /// The M step: log-probabilities from expected counts. Pieces that are hardly expected at all are
  /// dropped, but for characters, by the rule of SentencePiece.
  Map<String, Double> maximisation(Map<String, Double> counts, Set<String> characters) {
    Map<String, Double> kept = new LinkedHashMap<>();
    counts.forEach((text, count) -> {
      if (count >= FEWEST_EXPECTED || characters.contains(text))
        kept.put(text, Math.max(count, FEWEST_EXPECTED));
    });
    return mStep.apply(kept);
  }

  private List<SentencePiece> largest(Map<String, Double> pieces, Set<String> characters) {
    Comparator<Map.Entry<String, Double>> byScore =
        Map.Entry.<String, Double>comparingByValue()
            .reversed()
            .thenComparing(Map.Entry.comparingByKey());
    Set<String> kept = new HashSet<>(characters);
    pieces.entrySet().stream()
        .sorted(byScore)
        .forEach(each -> {
          if (kept.size() < vocabularySize) kept.add(each.getKey());
        });
    return pieces.entrySet().stream()
        .filter(each -> kept.contains(each.getKey()))
        .sorted(byScore)
        .map(each -> SentencePiece.normal(each.getKey(), each.getValue()))
        .toList();
  }
}
