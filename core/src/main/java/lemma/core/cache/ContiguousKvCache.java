package lemma.core.cache;

import java.util.Objects;

/// A [KvCache] in one piece: each head's rows lie one after the other, `[heads, room, headDim]`.
///
/// A query of a head reads its keys as one stream. The room doubles when it is full, up to the
/// capacity, so a short text does not pay for a long one and an append costs O(1) on average.
public final class ContiguousKvCache implements KvCache {
  private static final int FIRST_ROOM = 64;

  private final int heads;
  private final int headDim;
  private final int capacity;
  private int room;
  private int length;
  private float[] keys;
  private float[] values;

  /// An empty cache for texts of up to `capacity` tokens.
  ///
  /// @throws IllegalArgumentException if a number is not positive or the full cache would not fit an
  ///     array
  public ContiguousKvCache(int heads, int headDim, int capacity) {
    if (heads < 1 || headDim < 1 || capacity < 1)
      throw new IllegalArgumentException(
          "heads, headDim and capacity must be positive, were %d, %d, %d"
              .formatted(heads, headDim, capacity));
    if ((double) heads * headDim * capacity > Integer.MAX_VALUE - 8)
      throw new IllegalArgumentException(
          "[%d, %d, %d] floats do not fit an array".formatted(heads, capacity, headDim));
    this.heads = heads;
    this.headDim = headDim;
    this.capacity = capacity;
    room = Math.min(FIRST_ROOM, capacity);
    keys = new float[heads * room * headDim];
    values = new float[heads * room * headDim];
  }

  @Override
  public void append(float[] newKeys, float[] newValues, int tokens) {
    if (tokens < 1 || tokens > capacity - length)
      throw new IllegalArgumentException(
          "tokens must be 1 … %d, were %d: %d of %d positions are taken"
              .formatted(capacity - length, tokens, length, capacity));
    Objects.checkFromIndexSize(0, tokens * heads * headDim, newKeys.length);
    Objects.checkFromIndexSize(0, tokens * heads * headDim, newValues.length);
    if (length + tokens > room) grow(length + tokens);
    for (int t = 0; t < tokens; t++)
      for (int head = 0; head < heads; head++) {
        int from = (t * heads + head) * headDim;
        int to = (head * room + length + t) * headDim;
        System.arraycopy(newKeys, from, keys, to, headDim);
        System.arraycopy(newValues, from, values, to, headDim);
      }
    length += tokens;
  }

  private void grow(int needed) {
    int newRoom = (int) Math.min(capacity, Math.max(needed, 2L * room));
    keys = moved(keys, newRoom);
    values = moved(values, newRoom);
    room = newRoom;
  }

  private float[] moved(float[] rows, int newRoom) {
    float[] moved = new float[heads * newRoom * headDim];
    for (int head = 0; head < heads; head++)
      System.arraycopy(
          rows, head * room * headDim, moved, head * newRoom * headDim, length * headDim);
    return moved;
  }

  @Override
  public void rewind(int newLength) {
    if (newLength < 0 || newLength > length)
      throw new IllegalArgumentException(
          "length must be 0 … %d, was %d".formatted(length, newLength));
    length = newLength;
  }

  @Override
  public Block block(int head, int index) {
    Objects.checkIndex(head, heads);
    Objects.checkIndex(index, 1);
    int from = head * room * headDim;
    return new Block(keys, from, values, from, length, 0);
  }

  @Override
  public int blocks() {
    return 1;
  }

  @Override
  public int heads() {
    return heads;
  }

  @Override
  public int headDim() {
    return headDim;
  }

  @Override
  public int length() {
    return length;
  }

  @Override
  public int capacity() {
    return capacity;
  }

  @Override
  public long bytes() {
    return 2L * Float.BYTES * keys.length;
  }

  @Override
  public String toString() {
    return "cache of %d heads of %d, %d of %d positions taken"
        .formatted(heads, headDim, length, capacity);
  }
}
