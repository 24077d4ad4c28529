package lemma.core.tokenizer;

import java.util.Arrays;

/// Pairs of symbols with the rank of their merge and the symbol that it makes.
///
/// A hash table with open addressing in one array, key beside value, so that a look-up touches one
/// cache line most of the time.
final class PairTable {
  /// The value of a pair that has no merge: larger than every other.
  static final long NONE = Long.MAX_VALUE;

  private static final long EMPTY = -1;

  private final long[] slots; // key, value, key, value, …
  private final int shift;

  /// @param capacity the largest number of pairs
  PairTable(int capacity) {
    int bits = 33 - Integer.numberOfLeadingZeros(Math.max(capacity, 8)); // at most half full
    slots = new long[2 << bits];
    shift = 64 - bits;
    Arrays.fill(slots, EMPTY);
  }

  static long value(int rank, int merged) {
    return (long) rank << 32 | merged;
  }

  static int rank(long value) {
    return (int) (value >> 32);
  }

  static int merged(long value) {
    return (int) value;
  }

  private int slot(long key) {
    int at = (int) (key * 0x9E3779B97F4A7C15L >>> shift) << 1;
    while (slots[at] != key && slots[at] != EMPTY) at = at + 2 & slots.length - 1;
    return at;
  }

  /// Rank and merged symbol of a pair, or [#NONE]. The smaller value is the earlier merge.
  long get(int left, int right) {
    long key = Merge.key(left, right);
    int at = slot(key);
    return slots[at] == key ? slots[at + 1] : NONE;
  }

  /// Adds a pair.
  ///
  /// @return the value that it had before, or [#NONE]
  long put(int left, int right, long value) {
    long key = Merge.key(left, right);
    int at = slot(key);
    long before = slots[at] == key ? slots[at + 1] : NONE;
    slots[at] = key;
    slots[at + 1] = value;
    return before;
  }
}
