package lemma.core.cache;

import java.util.Objects;

/// A [KvCache] in one piece: each head's rows lie one after the other, `[heads, room, headDim]`.
///
/// A query of a head reads its keys as one stream. The room doubles when it is full, up to the
/// capacity, so a short text does not pay for a long one and an append costs O(1) on average.
public final class ContiguousKvCache extends CheckedKvCache {
  private static final int FIRST_ROOM = 64;

  private int room;
  private float[] keys;
  private float[] values;

  /// An empty cache for texts of up to `capacity` tokens.
  ///
  /// @throws IllegalArgumentException if a number is not positive or the full cache would not fit an
  ///     array
  public ContiguousKvCache(int heads, int headDim, int capacity) {
    super(heads, headDim, capacity);
    requireArray(heads, capacity, headDim);
    room = Math.min(FIRST_ROOM, capacity);
    keys = new float[heads * room * headDim];
    values = new float[heads * room * headDim];
  }

  @Override
  void store(float[] newKeys, float[] newValues, int tokens) {
    if (length() + tokens > room) grow(length() + tokens);
    for (int t = 0; t < tokens; t++)
      for (int head = 0; head < heads(); head++) {
        int from = (t * heads() + head) * headDim();
        int to = (head * room + length() + t) * headDim();
        System.arraycopy(newKeys, from, keys, to, headDim());
        System.arraycopy(newValues, from, values, to, headDim());
      }
  }

  private void grow(int needed) {
    int newRoom = (int) Math.min(capacity(), Math.max(needed, 2L * room));
    keys = moved(keys, newRoom);
    values = moved(values, newRoom);
    room = newRoom;
  }

  private float[] moved(float[] rows, int newRoom) {
    float[] moved = new float[heads() * newRoom * headDim()];
    for (int head = 0; head < heads(); head++)
      System.arraycopy(
          rows, head * room * headDim(), moved, head * newRoom * headDim(), length() * headDim());
    return moved;
  }

  @Override
  void drop(int newLength) {} // later rows are overwritten

  @Override
  public Block block(int head, int index) {
    Objects.checkIndex(head, heads());
    Objects.checkIndex(index, 1);
    int from = head * room * headDim();
    return new Block(keys, from, values, from, length(), 0);
  }

  @Override
  public int blocks() {
    return 1;
  }

  @Override
  public long bytes() {
    return 2L * Float.BYTES * keys.length;
  }
}
