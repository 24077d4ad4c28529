package lemma.core.cache;

import java.util.Objects;
import lemma.core.attention.AttentionMask;

/// A [KvCache] that keeps a [SinkWindow] of the text and overwrites the rest: memory does not grow,
/// however long the text.
///
/// ```
/// position p  →  slot p mod room          room = window + slack, rounded up
/// position p < sinks  →  kept apart as well
/// ```
///
/// Attention must not look at what is gone: it goes with [#mask()]. The slack is what lies behind the
/// window: up to `slack` tokens may be appended at once, whose first still sees its whole window, and
/// up to `slack` tokens can be taken back.
///
/// Keys are turned by their position in the text. Within the window that is the same as by their
/// position among the kept, because a rotation only knows distances.
///
/// Beltagy et al. 2020, arXiv:2004.05150; Xiao et al. 2023, arXiv:2309.17453. Answer:
/// `cache/kv-cache-variants.md`.
public final class RingKvCache extends CheckedKvCache {
  private static final int STEP = 64; // runs begin where the vectorised kernel's steps begin

  private final SinkWindow kept;
  private final int slack;
  private final int room;
  private final float[] keys; // [heads, room, headDim]
  private final float[] values;
  private final float[] sinkKeys; // [heads, sinks, headDim]
  private final float[] sinkValues;
  private int oldest; // the first position that the ring still holds, a multiple of STEP

  /// An empty cache for a text of any length.
  ///
  /// @throws IllegalArgumentException if a number is not positive or the rows do not fit an array
  public RingKvCache(int heads, int headDim, SinkWindow kept, int slack) {
    super(heads, headDim, Integer.MAX_VALUE);
    if (slack < 1) throw new IllegalArgumentException("slack must be positive, was " + slack);
    long rows = ((long) kept.window() + slack + STEP - 1) / STEP * STEP + STEP;
    requireArray(heads, rows, headDim);
    requireArray(heads, kept.sinks(), headDim);
    this.kept = kept;
    this.slack = slack;
    room = (int) rows;
    keys = new float[heads * room * headDim];
    values = new float[heads * room * headDim];
    sinkKeys = new float[heads * kept.sinks() * headDim];
    sinkValues = new float[heads * kept.sinks() * headDim];
  }

  /// What a query may look at: the sinks and the window.
  public AttentionMask.Interval mask() {
    return new AttentionMask.SinkWindow(kept.sinks(), kept.window());
  }

  /// @throws IllegalArgumentException if there are more tokens than the slack
  @Override
  void store(float[] newKeys, float[] newValues, int tokens) {
    if (tokens > slack)
      throw new IllegalArgumentException(
          "tokens must be at most %d at once, the slack, were %d".formatted(slack, tokens));
    for (int t = 0; t < tokens; t++)
      for (int head = 0; head < heads(); head++) {
        int position = length() + t;
        int from = (t * heads() + head) * headDim();
        copy(newKeys, newValues, from, keys, values, slot(head, position));
        if (position < kept.sinks())
          copy(newKeys, newValues, from, sinkKeys, sinkValues, sink(head, position));
      }
    int lost = Math.max(0, length() + tokens - room);
    oldest = Math.max(oldest, (int) (((long) lost + STEP - 1) / STEP * STEP));
  }

  private int slot(int head, int position) {
    return (head * room + position % room) * headDim();
  }

  private int sink(int head, int position) {
    return (head * kept.sinks() + position) * headDim();
  }

  private void copy(
      float[] fromKeys, float[] fromValues, int from, float[] toKeys, float[] toValues, int to) {
    System.arraycopy(fromKeys, from, toKeys, to, headDim());
    System.arraycopy(fromValues, from, toValues, to, headDim());
  }

  @Override
  void drop(int newLength) {
    if (newLength <= kept.sinks()) {
      beginAgain(newLength);
    } else if (oldest > kept.firstRecent(newLength)) {
      throw new IllegalArgumentException(
          "length %d would need position %d again, and those before %d are overwritten"
              .formatted(newLength, kept.firstRecent(newLength), oldest));
    }
  }

  /// Only sinks are left: they go back to their slots.
  private void beginAgain(int newLength) {
    for (int head = 0; head < heads(); head++)
      for (int position = 0; position < newLength; position++)
        copy(sinkKeys, sinkValues, sink(head, position), keys, values, slot(head, position));
    oldest = 0;
  }

  /// The sinks that the ring holds no longer.
  private int sinksApart() {
    return Math.min(kept.sinks(), oldest);
  }

  private int firstRun() {
    return Math.min(length() - oldest, room - oldest % room);
  }

  @Override
  public int blocks() {
    int runs = length() - oldest > firstRun() ? 2 : 1;
    return sinksApart() > 0 ? runs + 1 : runs;
  }

  @Override
  public Block block(int head, int index) {
    Objects.checkIndex(head, heads());
    Objects.checkIndex(index, blocks());
    int apart = sinksApart();
    if (apart > 0 && index == 0)
      return new Block(sinkKeys, sink(head, 0), sinkValues, sink(head, 0), apart, 0);
    boolean second = index == (apart > 0 ? 2 : 1);
    int first = second ? oldest + firstRun() : oldest;
    int rows = second ? length() - first : firstRun();
    return new Block(keys, slot(head, first), values, slot(head, first), rows, first);
  }

  @Override
  public long bytes() {
    return 2L * Float.BYTES * (keys.length + sinkKeys.length);
  }
}
