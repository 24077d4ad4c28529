package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Learns a WordPiece vocabulary: neighbours join that occur together more often than their own
/// frequencies would let one expect.
///
/// ```
/// score(a, b) = count(a b) / (count(a) · count(b))
/// ```
///
/// Byte-pair encoding takes the numerator alone. Divided by the counts of its parts it is, up to a
/// constant, the gain in the likelihood of a unigram model per occurrence: pointwise mutual
/// information. Ties go to the pair whose spelling is least.
///
/// The original trainer is not public; this is its published description. Schuster & Nakajima 2012,
/// section 3.1; Wu et al. 2016, section 4.1, arXiv:1609.08144. Answer: `tokenizer/wordpiece.md`.
///
/// @param merges how many times two units join, at most
/// @param prefix in front of units that do not begin a word
public record WordPieceTraining(int merges, String prefix) {

  /// @throws IllegalArgumentException if `merges` is negative
  public WordPieceTraining {
    if (merges < 0) throw new IllegalArgumentException("merges must be 0 or more, was " + merges);
  }

  /// With `##`, as BERT has it.
  public WordPieceTraining(int merges) {
    this(merges, "##");
  }

  /// Two neighbours.
  public record Pair(String left, String right) {
    private static final Comparator<String> SPELLING =
        (a, b) -> Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());
    static final Comparator<Pair> LEAST =
        Comparator.comparing(Pair::left, SPELLING).thenComparing(Pair::right, SPELLING);
  }

  /// Two units that were joined, and the score of the pair when it was chosen.
  public record Learned(Pair pair, double score) {}

  /// How often units and pairs of neighbours occur.
  public record Counts(Map<String, Long> units, Map<Pair, Long> pairs) {
    /// How much more often a pair occurs than its parts let one expect.
    public double score(Pair pair) {
      return pairs.get(pair) / ((double) units.get(pair.left()) * units.get(pair.right()));
    }
  }

  /// The units that a word begins as: its characters.
  public List<String> characters(String word) {
    List<String> units = new ArrayList<>();
    word.codePoints()
        .forEach(c -> units.add((units.isEmpty() ? "" : prefix) + Character.toString(c)));
    return units;
  }

  /// Counts the words, each as often as it occurs.
  public static Counts count(Map<List<String>, Long> words) {
    Map<String, Long> units = new LinkedHashMap<>();
    Map<Pair, Long> pairs = new LinkedHashMap<>();
    words.forEach((word, times) -> {
      for (int i = 0; i < word.size(); i++) {
        units.merge(word.get(i), times, Long::sum);
        if (i > 0) pairs.merge(new Pair(word.get(i - 1), word.get(i)), times, Long::sum);
      }
    });
    return new Counts(units, pairs);
  }

  /// The joins in their order.
  ///
  /// @param frequencies how often each word occurs
  public List<Learned> learn(Map<String, Long> frequencies) {
    Map<List<String>, Long> words = new LinkedHashMap<>();
    frequencies.forEach((word, times) -> words.merge(characters(word), times, Long::sum));
    List<Learned> learned = new ArrayList<>();
    while (learned.size() < merges) {
      Counts counts = count(words);
      if (counts.pairs().isEmpty()) break;
      Pair best =
          counts.pairs().keySet().stream()
              .max(Comparator.comparingDouble(counts::score).thenComparing(Pair.LEAST.reversed()))
              .orElseThrow();
      learned.add(new Learned(best, counts.score(best)));
      Map<List<String>, Long> joined = new LinkedHashMap<>();
      words.forEach((word, times) -> joined.merge(joined(word, best), times, Long::sum));
      words.clear();
      words.putAll(joined);
    }
    return learned;
  }

  /// The unit that two neighbours become.
  public String join(Pair pair) {
    return pair.left() + pair.right().substring(prefix.length());
  }

  private List<String> joined(List<String> word, Pair pair) {
    List<String> result = new ArrayList<>();
    for (int i = 0; i < word.size(); i++) {
      boolean here =
          i + 1 < word.size()
              && word.get(i).equals(pair.left())
              && word.get(i + 1).equals(pair.right());
      result.add(here ? join(pair) : word.get(i));
      if (here) i++;
    }
    return result;
  }

  /// The vocabulary: an unknown token with id 0, the characters, then what was joined.
  public WordPiece train(Map<String, Long> frequencies, String unknown) {
    Set<String> tokens = new LinkedHashSet<>();
    tokens.add(unknown);
    for (String word : frequencies.keySet()) tokens.addAll(characters(word));
    for (Learned each : learn(frequencies)) tokens.add(join(each.pair()));
    return new WordPiece(new Vocabulary(List.copyOf(tokens)), 0, prefix, 100);
  }
}
