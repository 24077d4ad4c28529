package lemma.sampling.filter;

import java.util.Arrays;

/// Quick-select: what belongs in front, without sorting the others.
final class Selection {
  private static final int ROUNDS = 64; // then the pivots are taken to be unlucky, and we sort
  private static final int SMALL = 32;

  private Selection() {}

  /// The k-th largest (from 1) of the first `count` values, which are reordered.
  static float kthLargest(float[] values, int count, int k) {
    int from = 0;
    int to = count;
    int rank = count - k; // index of the answer in rising order
    for (int round = 0; to - from > SMALL && round < ROUNDS; round++) {
      float pivot = median(values[from], values[(from + to) >>> 1], values[to - 1]);
      int i = from - 1;
      int j = to;
      while (true) { // Hoare's partition: [from, j] ≤ pivot ≤ [j + 1, to)
        do i++;
        while (values[i] < pivot);
        do j--;
        while (values[j] > pivot);
        if (i >= j) break;
        float swap = values[i];
        values[i] = values[j];
        values[j] = swap;
      }
      if (rank <= j) to = j + 1;
      else from = j + 1;
    }
    Arrays.sort(values, from, to);
    return values[rank];
  }

  private static float median(float a, float b, float c) {
    return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  }

  /// Moves the smallest keys of `[from, to)` into `[from, middle)`, in any order.
  static void smallestFirst(long[] keys, int from, int to, int middle) {
    for (int round = 0; middle > from && middle < to && to - from > SMALL; round++) {
      if (round == ROUNDS) break;
      int border = partition(keys, from, to);
      if (middle < border) to = border;
      else from = border;
    }
    if (middle > from && middle < to) Arrays.sort(keys, from, to);
  }

  /// Splits `[from, to)` around a pivot: returns where the keys that are not smaller begin; neither
  /// part is empty.
  static int partition(long[] keys, int from, int to) {
    long a = keys[from];
    long b = keys[(from + to) >>> 1];
    long c = keys[to - 1];
    long pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    int i = from - 1;
    int j = to;
    while (true) {
      do i++;
      while (keys[i] < pivot);
      do j--;
      while (keys[j] > pivot);
      if (i >= j) return j + 1;
      long swap = keys[i];
      keys[i] = keys[j];
      keys[j] = swap;
    }
  }
}
