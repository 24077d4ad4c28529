package lemma.core.tokenizer;

import java.util.Arrays;
import java.util.List;

/// Pieces of text and their ids, looked up by a part of a char array: no string is made.
///
/// Open addressing; a slot holds the upper half of a hash and the number of the piece.
final class PieceTable {
  private static final long EMPTY = -1;
  private static final long FACTOR = 0x9E3779B97F4A7C15L;

  private final long[] slots;
  private final char[] text; // all pieces, one behind the other
  private final int[] ends;
  private final int[] ids;

  /// A piece and its id.
  record Entry(String piece, int id) {}

  PieceTable(List<Entry> entries) {
    int bits = 33 - Integer.numberOfLeadingZeros(Math.max(entries.size(), 8)); // at most half full
    slots = new long[1 << bits];
    Arrays.fill(slots, EMPTY);
    ends = new int[entries.size()];
    ids = new int[entries.size()];
    text = new char[entries.stream().mapToInt(entry -> entry.piece().length()).sum()];
    int at = 0;
    for (int i = 0; i < ends.length; i++) {
      String piece = entries.get(i).piece();
      piece.getChars(0, piece.length(), text, at);
      at += piece.length();
      ends[i] = at;
      ids[i] = entries.get(i).id();
      long hash = hash(text, at - piece.length(), at);
      int slot = slot(hash);
      while (slots[slot] != EMPTY) slot = slot + 1 & slots.length - 1;
      slots[slot] = hash & 0xFFFFFFFF00000000L | i;
    }
  }

  private static long hash(char[] text, int from, int to) {
    long hash = to - from;
    for (int i = from; i < to; i++) hash = (hash + text[i]) * FACTOR;
    return hash;
  }

  /// By bits that the slot does not hold.
  private int slot(long hash) {
    return (int) (hash ^ hash >>> 29) & slots.length - 1;
  }

  /// The id of a piece, or −1.
  int get(char[] piece, int from, int to) {
    long hash = hash(piece, from, to);
    for (int slot = slot(hash); ; slot = slot + 1 & slots.length - 1) {
      long found = slots[slot];
      if (found == EMPTY) return -1;
      if ((found ^ hash) >>> 32 == 0 && equal((int) found, piece, from, to))
        return ids[(int) found];
    }
  }

  private boolean equal(int entry, char[] piece, int from, int to) {
    int begin = entry == 0 ? 0 : ends[entry - 1];
    if (ends[entry] - begin != to - from) return false;
    for (int i = from, j = begin; i < to; i++, j++) if (piece[i] != text[j]) return false;
    return true;
  }
}
