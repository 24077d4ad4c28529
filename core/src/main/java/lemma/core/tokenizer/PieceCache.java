package lemma.core.tokenizer;

/// Where the ids of a piece stand in the ids of the text so far: a word that comes again is copied.
///
/// Each slot keeps the last piece that fell on it, so the size is fixed.
final class PieceCache {
  private static final int WIDTH = 4;
  private static final int LARGEST = 1 << 12;

  private final long[] slots;
  private final int mask;

  /// @param length of the text: a short one needs no large cache
  PieceCache(int length) {
    int size = Math.min(LARGEST, Integer.highestOneBit(length / 16 + 1));
    slots = new long[WIDTH * size];
    mask = size - 1;
  }

  private int slot(PackedPiece piece) {
    return (piece.hash() & mask) * WIDTH;
  }

  /// Where the ids of a piece begin, in the upper half, and how many they are; 0 if it is not there.
  long get(PackedPiece piece) {
    int slot = slot(piece);
    return slots[slot] == piece.low && slots[slot + 1] == piece.high ? slots[slot + 2] : 0;
  }

  void put(PackedPiece piece, int from, int count) {
    int slot = slot(piece);
    slots[slot] = piece.low;
    slots[slot + 1] = piece.high;
    slots[slot + 2] = (long) from << 32 | count;
  }
}
