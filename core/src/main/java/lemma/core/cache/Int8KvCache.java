package lemma.core.cache;

import java.util.Objects;

/// A [KvCache] of bytes: each key and each value of each head has a scale of its own.
///
/// ```
/// s  = maxᵢ |xᵢ| / 127        bᵢ = round(xᵢ / s)        x̂ᵢ = s·bᵢ        |x̂ᵢ − xᵢ| ≤ s/2
/// ```
///
/// A row takes headDim + 4 bytes instead of 4·headDim. It is expanded when it is read, 64 positions
/// at a time, which stay in the first-level cache: what comes from memory are the bytes.
///
/// What that does to attention, with δ = scale·‖q‖₁·max s_key/2 the most that a score moves, and for
/// each channel of the output:
///
/// ```
/// |error| ≤ max s_value/2 + tanh(δ/2)·(max v − min v)
/// ```
///
/// A row with a number that is not finite becomes NaN as a whole.
///
/// Dettmers et al. 2022 (row-wise absmax), section 2.1, arXiv:2208.07339. Answer:
/// `cache/kv-cache-variants.md`.
public final class Int8KvCache extends CheckedKvCache {
  private static final int STEP = 64;

  private final Rows keys;
  private final Rows values;

  /// An empty cache for texts of up to `capacity` tokens.
  ///
  /// @throws IllegalArgumentException if a number is not positive or the full cache would not fit an
  ///     array
  public Int8KvCache(int heads, int headDim, int capacity) {
    super(heads, headDim, capacity);
    requireArray(heads, Math.max(STEP, capacity), headDim);
    keys = new Rows(heads, headDim, Math.min(STEP, capacity));
    values = new Rows(heads, headDim, Math.min(STEP, capacity));
  }

  @Override
  void store(float[] newKeys, float[] newValues, int tokens) {
    keys.reserve(length() + tokens, length(), capacity());
    values.reserve(length() + tokens, length(), capacity());
    for (int t = 0; t < tokens; t++)
      for (int head = 0; head < heads(); head++) {
        int from = (t * heads() + head) * headDim();
        keys.put(newKeys, from, head, length() + t);
        values.put(newValues, from, head, length() + t);
      }
  }

  @Override
  void drop(int newLength) {} // later rows are overwritten

  @Override
  public int blocks() {
    return (length() + STEP - 1) / STEP;
  }

  @Override
  public Block block(int head, int index) {
    Objects.checkIndex(head, heads());
    Objects.checkIndex(index, blocks());
    int first = index * STEP;
    int rows = Math.min(STEP, length() - first);
    return new Block(
        keys.expand(head, first, rows), 0, values.expand(head, first, rows), 0, rows, first);
  }

  /// Bytes of the rows and their scales, and of the 64 expanded positions of each head.
  @Override
  public long bytes() {
    return keys.memory() + values.memory();
  }

  /// The keys or the values.
  private static final class Rows {
    private final int heads;
    private final int headDim;
    private int room;
    private byte[] bytes; // [heads, room, headDim]
    private float[] scales; // [heads, room]
    private final float[][] expanded; // [heads][STEP, headDim]: heads may be read at the same time

    Rows(int heads, int headDim, int room) {
      this.heads = heads;
      this.headDim = headDim;
      this.room = room;
      bytes = new byte[heads * room * headDim];
      scales = new float[heads * room];
      expanded = new float[heads][STEP * headDim];
    }

    void reserve(int needed, int length, int capacity) {
      if (needed <= room) return;
      int newRoom = (int) Math.min(capacity, Math.max(needed, 2L * room));
      byte[] newBytes = new byte[heads * newRoom * headDim];
      float[] newScales = new float[heads * newRoom];
      for (int head = 0; head < heads; head++) {
        System.arraycopy(
            bytes, head * room * headDim, newBytes, head * newRoom * headDim, length * headDim);
        System.arraycopy(scales, head * room, newScales, head * newRoom, length);
      }
      bytes = newBytes;
      scales = newScales;
      room = newRoom;
    }

    void put(float[] x, int from, int head, int position) {
      float absmax = 0;
      for (int d = 0; d < headDim; d++) absmax = Math.max(absmax, Math.abs(x[from + d]));
      float scale = absmax / 127;
      int to = (head * room + position) * headDim;
      if (scale == 0) java.util.Arrays.fill(bytes, to, to + headDim, (byte) 0);
      else
        for (int d = 0; d < headDim; d++)
          bytes[to + d] = (byte) Math.clamp(Math.round(x[from + d] / scale), -127, 127);
      scales[head * room + position] = Float.isFinite(absmax) ? scale : Float.NaN;
    }

    float[] expand(int head, int first, int rows) {
      float[] to = expanded[head];
      for (int row = 0; row < rows; row++) {
        float scale = scales[head * room + first + row];
        int from = (head * room + first + row) * headDim;
        for (int d = 0; d < headDim; d++) to[row * headDim + d] = scale * bytes[from + d];
      }
      return to;
    }

    long memory() {
      return bytes.length + (long) Float.BYTES * (scales.length + heads * STEP * headDim);
    }
  }
}
