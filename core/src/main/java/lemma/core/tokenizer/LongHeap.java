package lemma.core.tokenizer;

import java.util.Arrays;

/// A binary heap of longs, the least on top, without a box for each.
final class LongHeap {
  private long[] values = new long[64];
  private int size;

  boolean isEmpty() {
    return size == 0;
  }

  void clear() {
    size = 0;
  }

  void add(long value) {
    if (size == values.length) values = Arrays.copyOf(values, 2 * size);
    int at = size++;
    while (at > 0) {
      int parent = at - 1 >> 1;
      if (values[parent] <= value) break;
      values[at] = values[parent];
      at = parent;
    }
    values[at] = value;
  }

  /// Takes the least.
  long remove() {
    long least = values[0];
    long value = values[--size];
    int at = 0;
    for (int child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && values[child + 1] < values[child]) child++;
      if (values[child] >= value) break;
      values[at] = values[child];
      at = child;
    }
    if (size > 0) values[at] = value;
    return least;
  }
}
