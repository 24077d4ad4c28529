package lemma.core.tokenizer;

import java.util.Arrays;
import java.util.List;

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
/// | [#search] | looks every pair of the piece up anew for each merge | O(n²) |
/// | [#scan] | keeps the ranks of the pairs in an array and looks for the least | O(n²), fastest for words |
/// | [#heap] | a linked list of symbols, and a heap of its pairs by rank and position | O(n log n) |
///
/// A piece is a word most of the time; it is long where a text has no spaces.
///
/// Sennrich et al. 2016, section 3.2, arXiv:1508.07909. Answer: `tokenizer/bpe.md`.
public final class BpeMerges {
  private static final int NONE = -1;

  /// The longest piece that [#merge] gives to [#scan].
  private static final int SHORT = 128;

  private final PairTable pairs;

  private BpeMerges(PairTable pairs) {
    this.pairs = pairs;
  }

  /// Merges in the order in which they were learned.
  ///
  /// @throws IllegalArgumentException if a pair has two merges
  public BpeMerges(List<Merge> merges) {
    this(new PairTable(merges.size(), merges.size()));
    for (int rank = 0; rank < merges.size(); rank++) {
      int before = pairs.put(merges.get(rank), rank);
      if (before != PairTable.NONE)
        throw new IllegalArgumentException(
            "merge %d is the same pair as merge %d".formatted(rank, before));
    }
  }

  /// Merges as tiktoken has them: any two symbols whose bytes together are a token may merge, and the
  /// id of that token is the rank.
  static BpeMerges byRank(List<Merge> splits) {
    int ranks = splits.stream().mapToInt(split -> split.merged() + 1).max().orElse(0);
    var pairs = new PairTable(splits.size(), ranks);
    for (Merge split : splits) pairs.put(split, split.merged());
    return new BpeMerges(pairs);
  }

  /// The same by the definition, to judge the others by.
  public int[] search(int... symbols) {
    int[] piece = symbols.clone();
    int n = piece.length;
    while (true) {
      int best = PairTable.NONE;
      int at = NONE;
      for (int i = 0; i + 1 < n; i++) {
        int rank = pairs.rank(piece[i], piece[i + 1]);
        if (rank >= best) continue;
        best = rank;
        at = i;
      }
      if (at == NONE) return Arrays.copyOf(piece, n);
      piece[at] = pairs.merged(best);
      n--;
      System.arraycopy(piece, at + 2, piece, at + 1, n - at - 1);
    }
  }

  /// The symbols of a piece after all merges that apply.
  public int[] apply(int... symbols) {
    var piece = new Piece();
    piece.reserve(symbols.length);
    for (int symbol : symbols) piece.add(symbol, 0);
    merge(piece);
    return Arrays.copyOf(piece.symbols, piece.length);
  }

  /// A piece as symbols, each with the place where it ends, and the space to merge them in.
  static final class Piece {
    int[] symbols = new int[64];
    int[] ends = new int[64];
    int length;

    private int[] ranks = new int[64];
    private int[] next = {};
    private int[] previous = {};
    private final LongHeap heap = new LongHeap();

    /// Makes room for a new piece.
    void reserve(int count) {
      length = 0;
      if (count <= symbols.length) return;
      int capacity = Math.max(count, 2 * symbols.length);
      symbols = new int[capacity];
      ends = new int[capacity];
      ranks = new int[Math.min(capacity, SHORT)];
    }

    void add(int symbol, int end) {
      symbols[length] = symbol;
      ends[length++] = end;
    }
  }

  /// Merges a piece in place.
  void merge(Piece piece) {
    if (piece.length < 2) return;
    if (piece.length <= SHORT) scan(piece);
    else heap(piece);
  }

  /// The short way: the pairs' ranks in an array, the least of them found by looking at each.
  void scan(Piece piece) {
    int[] symbols = piece.symbols;
    int[] ends = piece.ends;
    int[] ranks = piece.ranks;
    int last = piece.length - 1;
    for (int i = 0; i < last; i++) ranks[i] = pairs.rank(symbols[i], symbols[i + 1]);
    while (last > 0) {
      int best = PairTable.NONE;
      for (int i = 0; i < last; i++) best = Math.min(best, ranks[i]); // a loop for vector lanes
      if (best == PairTable.NONE) break;
      int at = 0;
      while (ranks[at] != best) at++;
      symbols[at] = pairs.merged(best);
      ends[at] = ends[at + 1];
      int behind = last - at - 1;
      System.arraycopy(symbols, at + 2, symbols, at + 1, behind);
      System.arraycopy(ends, at + 2, ends, at + 1, behind);
      System.arraycopy(ranks, at + 1, ranks, at, behind);
      last--;
      if (at < last) ranks[at] = pairs.rank(symbols[at], symbols[at + 1]);
      if (at > 0) ranks[at - 1] = pairs.rank(symbols[at - 1], symbols[at]);
    }
    piece.length = last + 1;
  }

  /// The long way: a heap of pairs, the earliest merge on top and the leftmost of several; pairs that
  /// are no more are passed over.
  void heap(Piece piece) {
    int n = piece.length;
    if (piece.next.length < n) {
      piece.next = new int[n];
      piece.previous = new int[n];
    }
    int[] next = piece.next;
    for (int i = 0; i < n; i++) {
      next[i] = i + 1 < n ? i + 1 : NONE;
      piece.previous[i] = i - 1;
    }
    piece.heap.clear();
    for (int i = 0; i + 1 < n; i++) offer(piece, i);
    while (!piece.heap.isEmpty()) {
      long top = piece.heap.remove();
      int at = (int) top;
      int rank = (int) (top >> 32);
      if (rank(piece, at) != rank) continue; // one of the two was merged away since
      int right = next[at];
      piece.symbols[at] = pairs.merged(rank);
      piece.ends[at] = piece.ends[right];
      piece.symbols[right] = NONE;
      next[at] = next[right];
      if (next[at] != NONE) piece.previous[next[at]] = at;
      offer(piece, piece.previous[at]);
      offer(piece, at);
    }
    int length = 0;
    for (int i = 0; i != NONE; i = next[i]) {
      piece.symbols[length] = piece.symbols[i];
      piece.ends[length++] = piece.ends[i];
    }
    piece.length = length;
  }

  private void offer(Piece piece, int at) {
    int rank = rank(piece, at);
    if (rank != PairTable.NONE) piece.heap.add((long) rank << 32 | at);
  }

  /// The rank of the pair that begins here.
  private int rank(Piece piece, int at) {
    if (at == NONE || piece.symbols[at] == NONE || piece.next[at] == NONE) return PairTable.NONE;
    return pairs.rank(piece.symbols[at], piece.symbols[piece.next[at]]);
  }
}
