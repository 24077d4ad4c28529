package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Learns merges: the most frequent pair of neighbours becomes a symbol, again and again.
///
/// ```
/// repeat `merges` times:
///   count every pair of neighbours inside of words, each word as often as it occurs
///   merge the most frequent pair everywhere; stop if it occurs less than `minimum` times
/// ```
///
/// Overlapping pairs all count: `aaa` has (a, a) twice. What decides between pairs of the same
/// frequency differs from library to library, and changes the vocabulary: it is [Ties].
///
/// Gage 1994; Sennrich et al. 2016, algorithm 1, arXiv:1508.07909. Answer: `tokenizer/bpe.md`.
///
/// @param minimum the least frequency of a merged pair
/// @param oneSymbolPerSpelling whether two merges with the same text, `ab·c` and `a·bc`, give the
///     same symbol: vocabularies that are looked up by text need that
public record BpeTraining(int merges, int minimum, Ties ties, boolean oneSymbolPerSpelling) {

  /// Which of several most frequent pairs is merged.
  public enum Ties {
    /// The one that occurs first in the text: minbpe.
    FIRST,
    /// The one whose spelling is least.
    LEAST,
    /// The one whose spelling is greatest: subword-nmt.
    GREATEST,
    /// The one whose joined text is shortest, and least of these: SentencePiece.
    SHORTEST
  }

  /// @throws IllegalArgumentException if a number is negative
  public BpeTraining {
    if (merges < 0) throw new IllegalArgumentException("merges must be 0 or more, was " + merges);
    if (minimum < 0)
      throw new IllegalArgumentException("minimum must be 0 or more, was " + minimum);
  }

  /// A word as symbols, and how often it occurs.
  public record Word(int[] symbols, long frequency) {}

  /// A merge, and how often its pair occurred when it was chosen.
  public record Learned(Merge merge, long frequency) {}

  /// Learns from words, in the order of the text.
  ///
  /// @param alphabet the spelling of each symbol that the words are made of; merged symbols are
  ///     numbered on from there
  public List<Learned> learn(List<Word> words, List<String> alphabet) {
    return new Run(words, alphabet).run();
  }

  /// One training, with counts that are kept up to date: only words with the merged pair change.
  private final class Run {
    private final List<String> spelling;
    private final Map<String, Integer> bySpelling = new HashMap<>();
    private final List<int[]> words = new ArrayList<>();
    private final long[] frequency;
    private final Map<Long, Long> counts = new LinkedHashMap<>();
    private final Map<Long, Set<Integer>> places =
        new HashMap<>(); // words that have, or had, a pair

    Run(List<Word> words, List<String> alphabet) {
      spelling = new ArrayList<>(alphabet);
      for (int i = 0; i < alphabet.size(); i++) bySpelling.put(alphabet.get(i), i);
      frequency = words.stream().mapToLong(Word::frequency).toArray();
      for (Word word : words) this.words.add(word.symbols().clone());
      for (int i = 0; i < frequency.length; i++) count(i, frequency[i]);
    }

    List<Learned> run() {
      List<Learned> learned = new ArrayList<>();
      while (learned.size() < merges && !counts.isEmpty()) {
        long most = Collections.max(counts.values());
        if (most < minimum) break;
        long pair =
            choose(counts.keySet().stream().filter(key -> counts.get(key) == most).toList());
        Merge merge = symbol((int) (pair >> 32), (int) pair);
        learned.add(new Learned(merge, most));
        for (int word : List.copyOf(places.get(pair))) {
          count(word, -frequency[word]);
          words.set(word, merged(words.get(word), merge));
          count(word, frequency[word]);
        }
      }
      return learned;
    }

    private void count(int word, long by) {
      int[] symbols = words.get(word);
      for (int i = 0; i + 1 < symbols.length; i++) {
        long pair = Merge.key(symbols[i], symbols[i + 1]);
        if (counts.merge(pair, by, Long::sum) == 0) counts.remove(pair);
        if (by > 0) places.computeIfAbsent(pair, key -> new LinkedHashSet<>()).add(word);
      }
    }

    private long choose(List<Long> pairs) {
      return switch (ties) {
        case FIRST -> pairs.size() == 1 ? pairs.getFirst() : first(Set.copyOf(pairs));
        case LEAST -> Collections.min(pairs, this::bySpelling);
        case GREATEST -> Collections.max(pairs, this::bySpelling);
        case SHORTEST -> Collections.min(pairs, this::byLength);
      };
    }

    private long first(Set<Long> pairs) {
      for (int[] symbols : words)
        for (int i = 0; i + 1 < symbols.length; i++) {
          long pair = Merge.key(symbols[i], symbols[i + 1]);
          if (pairs.contains(pair)) return pair;
        }
      throw new IllegalStateException("a counted pair occurs nowhere");
    }

    private int bySpelling(long a, long b) {
      int left = compare(spelling.get((int) (a >> 32)), spelling.get((int) (b >> 32)));
      return left != 0 ? left : compare(spelling.get((int) a), spelling.get((int) b));
    }

    private int byLength(long a, long b) {
      int[] left = joined(a).codePoints().toArray();
      int[] right = joined(b).codePoints().toArray();
      int byLength = Integer.compare(left.length, right.length);
      return byLength != 0 ? byLength : Arrays.compare(left, right);
    }

    private String joined(long pair) {
      return spelling.get((int) (pair >> 32)) + spelling.get((int) pair);
    }

    private static int compare(String a, String b) {
      return Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());
    }

    private Merge symbol(int left, int right) {
      String text = spelling.get(left) + spelling.get(right);
      Integer known = oneSymbolPerSpelling ? bySpelling.get(text) : null;
      if (known != null) return new Merge(left, right, known);
      spelling.add(text);
      bySpelling.put(text, spelling.size() - 1);
      return new Merge(left, right, spelling.size() - 1);
    }

    private static int[] merged(int[] symbols, Merge merge) {
      int[] result = new int[symbols.length];
      int count = 0;
      for (int i = 0; i < symbols.length; i++) {
        boolean here =
            i + 1 < symbols.length && symbols[i] == merge.left() && symbols[i + 1] == merge.right();
        result[count++] = here ? merge.merged() : symbols[i];
        if (here) i++;
      }
      return Arrays.copyOf(result, count);
    }
  }
}
