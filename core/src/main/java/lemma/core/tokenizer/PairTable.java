package lemma.core.tokenizer;

import java.util.Arrays;

/// Pairs of symbols with the rank of their merge and the symbol that it makes.
///
/// Most pairs that are looked up have no merge, and the table is larger than the caches near the
/// processor. So a small filter of single bits says no first, and pairs of the first 256 symbols, where
/// every piece begins, stand in a table of their own.
///
/// ```
/// slot = left: 21 bits · right: 21 bits · rank: 22 bits
/// ```
final class PairTable {
  /// The rank of a pair that has no merge: larger than every other.
  static final int NONE = Integer.MAX_VALUE;

  private static final int SYMBOL_BITS = 21;
  private static final int RANK_BITS = 22;
  private static final int RANKS = (1 << RANK_BITS) - 1;
  private static final int FIRST = 256;
  private static final int FILTER_BITS = 8; // for each pair
  private static final long EMPTY = -1;

  private final int[] ofFirst = new int[FIRST * FIRST];
  private final long[] filter;
  private final int filterShift;
  private final long[] slots;
  private final int shift;
  private final int[] merged; // by rank

  /// @param pairs the largest number of pairs
  /// @param ranks the number of ranks
  /// @throws IllegalArgumentException if there are more ranks than can be told apart
  PairTable(int pairs, int ranks) {
    if (ranks >= RANKS) throw new IllegalArgumentException(ranks + " merges are too many");
    Arrays.fill(ofFirst, NONE);
    int bits = 33 - Integer.numberOfLeadingZeros(Math.max(pairs, 8)); // half full at most
    slots = new long[1 << bits];
    shift = 64 - bits;
    Arrays.fill(slots, EMPTY);
    int filterBits = 32 - Integer.numberOfLeadingZeros(Math.max(FILTER_BITS * pairs, 64));
    filter = new long[1 << filterBits - 6];
    filterShift = 64 - filterBits;
    merged = new int[ranks];
  }

  private static long key(int left, int right) {
    return (long) left << SYMBOL_BITS | right;
  }

  private static long hash(long key) {
    return key * 0x9E3779B97F4A7C15L;
  }

  private int slot(long key) {
    int at = (int) (hash(key) >>> shift);
    while (slots[at] >>> RANK_BITS != key && slots[at] != EMPTY) at = at + 1 & slots.length - 1;
    return at;
  }

  /// The rank of a pair, or [#NONE].
  int rank(int left, int right) {
    if ((left | right) < FIRST) return ofFirst[left * FIRST + right];
    long key = key(left, right);
    long bit = hash(key) >>> filterShift;
    if ((filter[(int) (bit >>> 6)] >>> bit & 1) == 0) return NONE;
    long found = slots[slot(key)];
    return found == EMPTY ? NONE : (int) found & RANKS;
  }

  /// The symbol that the merge of a rank makes.
  int merged(int rank) {
    return merged[rank];
  }

  /// Adds a pair.
  ///
  /// @return the rank that it had before, or [#NONE]
  /// @throws IllegalArgumentException if a symbol is too large
  int put(Merge merge, int rank) {
    if ((merge.left() | merge.right() | merge.merged()) >>> SYMBOL_BITS != 0)
      throw new IllegalArgumentException(
          "symbols must be less than %d, were %s".formatted(1 << SYMBOL_BITS, merge));
    int before = rank(merge.left(), merge.right());
    if ((merge.left() | merge.right()) < FIRST)
      ofFirst[merge.left() * FIRST + merge.right()] = rank;
    long key = key(merge.left(), merge.right());
    long bit = hash(key) >>> filterShift;
    filter[(int) (bit >>> 6)] |= 1L << bit;
    slots[slot(key)] = key << RANK_BITS | rank;
    merged[rank] = merge.merged();
    return before;
  }
}
