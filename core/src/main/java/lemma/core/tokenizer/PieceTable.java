package lemma.core.tokenizer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Pieces of text that are tokens, by a part of a char array: no string is made for those that are
/// short.
///
/// A hash table with open addressing: a slot is a [PackedPiece] with its id in the free bits, so that
/// a look-up touches one cache line most of the time.
final class PieceTable {
  private final long[] slots; // an empty one has no length in its second long
  private final int mask;
  private final Map<String, Integer> longer = new HashMap<>();
  private int longest;

  /// A piece and its id.
  record Entry(String piece, int id) {}

  PieceTable(List<Entry> entries) {
    int size = entries.size() + entries.size() / 4; // four fifths full at most: small is fast
    int bits = 32 - Integer.numberOfLeadingZeros(Math.max(size, 8));
    slots = new long[2 << bits];
    mask = (1 << bits) - 1;
    var packed = new PackedPiece();
    for (Entry entry : entries) {
      char[] piece = entry.piece().toCharArray();
      if (packed.pack(piece, 0, piece.length)) {
        int slot = slot(packed);
        slots[slot] = packed.low;
        slots[slot + 1] = packed.high | entry.id();
      } else {
        longer.put(entry.piece(), entry.id());
        longest = Math.max(longest, piece.length);
      }
    }
  }

  /// The slot of a piece, or the one where it would be.
  private int slot(PackedPiece piece) {
    int slot = (piece.hash() & mask) << 1;
    while (slots[slot + 1] != 0
        && (slots[slot] != piece.low || (slots[slot + 1] & ~(long) PackedPiece.FREE) != piece.high))
      slot = slot + 2 & slots.length - 1;
    return slot;
  }

  /// The id of a packed piece, or −1.
  int get(PackedPiece piece) {
    long found = slots[slot(piece) + 1];
    return found == 0 ? -1 : (int) found & PackedPiece.FREE;
  }

  /// The id of a piece that is too long to be packed, or −1.
  int get(char[] text, int from, int to) {
    return to - from > longest ? -1 : longer.getOrDefault(new String(text, from, to - from), -1);
  }
}
