package lemma.core.cache;

import java.util.Objects;

/// What every [KvCache] checks alike before it keeps or forgets a row.
abstract class CheckedKvCache implements KvCache {
  private final int heads;
  private final int headDim;
  private final int capacity;
  private int length;

  CheckedKvCache(int heads, int headDim, int capacity) {
    this(heads, headDim, capacity, 0);
  }

  CheckedKvCache(int heads, int headDim, int capacity, int length) {
    if (heads < 1 || headDim < 1 || capacity < 1)
      throw new IllegalArgumentException(
          "heads, headDim and capacity must be positive, were %d, %d, %d"
              .formatted(heads, headDim, capacity));
    this.heads = heads;
    this.headDim = headDim;
    this.capacity = capacity;
    this.length = length;
  }

  /// Refuses arrays of `[heads, rows, headDim]` that Java does not have.
  static void requireArray(int heads, long rows, int headDim) {
    if ((double) heads * headDim * rows > Integer.MAX_VALUE - 8)
      throw new IllegalArgumentException(
          "[%d, %d, %d] numbers do not fit an array".formatted(heads, rows, headDim));
  }

  /// Keeps the rows of the next `tokens` positions, or throws and changes nothing.
  abstract void store(float[] newKeys, float[] newValues, int tokens);

  /// Forgets the positions from `newLength` on, or throws and changes nothing.
  abstract void drop(int newLength);

  @Override
  public final void append(float[] newKeys, float[] newValues, int tokens) {
    if (tokens < 1 || tokens > capacity - length)
      throw new IllegalArgumentException(
          "tokens must be 1 … %d, were %d: %d of %d positions are taken"
              .formatted(capacity - length, tokens, length, capacity));
    int count = Math.multiplyExact(tokens, heads * headDim);
    Objects.checkFromIndexSize(0, count, newKeys.length);
    Objects.checkFromIndexSize(0, count, newValues.length);
    store(newKeys, newValues, tokens);
    length += tokens;
  }

  @Override
  public final void rewind(int newLength) {
    if (newLength < 0 || newLength > length)
      throw new IllegalArgumentException(
          "length must be 0 … %d, was %d".formatted(length, newLength));
    drop(newLength);
    length = newLength;
  }

  @Override
  public final int heads() {
    return heads;
  }

  @Override
  public final int headDim() {
    return headDim;
  }

  @Override
  public final int length() {
    return length;
  }

  @Override
  public final int capacity() {
    return capacity;
  }

  @Override
  public String toString() {
    return "cache of %d heads of %d, %d of %d positions taken"
        .formatted(heads, headDim, length, capacity);
  }
}
