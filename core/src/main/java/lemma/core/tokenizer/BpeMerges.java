package lemma.core.tokenizer;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/// Applies merges to a piece of text: byte-pair encoding.
///
/// ```
/// while there is a pair (xᵢ, xᵢ₊₁) with a merge:
///   take the pair whose merge was learned first, the leftmost of several
///   replace it by the merged symbol
/// ```
///
/// | form | | |
/// |---|---|---|
/// | [#search] | looks through the whole piece for each merge | O(n²) |
/// | [#apply] | a linked list of symbols, and a heap of its pairs by rank and position | O(n log n) |
///
/// A piece is a word most of the time; it is long where a text has no spaces.
///
/// Sennrich et al. 2016, section 3.2, arXiv:1508.07909. Answer: `tokenizer/bpe.md`.
public final class BpeMerges {
  private static final int NONE = -1;

  private final Map<Long, Integer> ranks = new HashMap<>();
  private final List<Merge> merges;

  /// @throws IllegalArgumentException if a pair has two merges
  public BpeMerges(List<Merge> merges) {
    this.merges = List.copyOf(merges);
    for (int rank = 0; rank < merges.size(); rank++) {
      Integer before = ranks.put(merges.get(rank).key(), rank);
      if (before != null)
        throw new IllegalArgumentException(
            "merge %d is the same pair as merge %d".formatted(rank, before));
    }
  }

  /// The merges, by rank.
  public List<Merge> merges() {
    return merges;
  }

  /// The same by the definition, to judge the heap by.
  public int[] search(int... symbols) {
    int[] piece = symbols.clone();
    int n = piece.length;
    while (true) {
      int best = NONE;
      int at = NONE;
      for (int i = 0; i + 1 < n; i++) {
        int rank = ranks.getOrDefault(Merge.key(piece[i], piece[i + 1]), NONE);
        if (rank == NONE || best != NONE && rank >= best) continue;
        best = rank;
        at = i;
      }
      if (best == NONE) return Arrays.copyOf(piece, n);
      piece[at] = merges.get(best).merged();
      n--;
      System.arraycopy(piece, at + 2, piece, at + 1, n - at - 1);
    }
  }

  /// The symbols of a piece after all merges that apply.
  public int[] apply(int... symbols) {
    return symbols.length < 2 ? symbols.clone() : new Piece(symbols).merge();
  }

  /// A linked list of symbols, with the pairs that could be merged.
  private final class Piece {
    private final int[] symbol;
    private final int[] next;
    private final int[] previous;
    private final PriorityQueue<Long> pairs = new PriorityQueue<>(); // rank, then position

    Piece(int[] symbols) {
      int n = symbols.length;
      symbol = symbols.clone();
      next = new int[n];
      previous = new int[n];
      for (int i = 0; i < n; i++) {
        next[i] = i + 1 < n ? i + 1 : NONE;
        previous[i] = i - 1;
      }
      for (int i = 0; i < n; i++) offer(i);
    }

    int[] merge() {
      int left = symbol.length;
      while (!pairs.isEmpty()) {
        long pair = pairs.remove();
        int at = (int) pair;
        int rank = (int) (pair >> 32);
        if (rank(at) != rank) continue; // one of the two was merged away since
        int right = next[at];
        symbol[at] = merges.get(rank).merged();
        symbol[right] = NONE;
        next[at] = next[right];
        if (next[at] != NONE) previous[next[at]] = at;
        left--;
        offer(previous[at]);
        offer(at);
      }
      int[] result = new int[left];
      int count = 0;
      for (int i = 0; i != NONE; i = next[i]) result[count++] = symbol[i];
      return result;
    }

    private void offer(int at) {
      int rank = rank(at);
      if (rank != NONE) pairs.add((long) rank << 32 | at);
    }

    /// The rank of the pair that begins here.
    private int rank(int at) {
      if (at == NONE || symbol[at] == NONE || next[at] == NONE) return NONE;
      return ranks.getOrDefault(Merge.key(symbol[at], symbol[next[at]]), NONE);
    }
  }
}
