package lemma.sampling.filter;

import java.util.Arrays;
import lemma.sampling.filter.TopK.Ties;

/// [TopK] on float logits: four ways to find the k-th largest, exact all of them.
///
/// | form | finds the k-th largest by | cost |
/// |---|---|---|
/// | [FullSort] | sorting the vocabulary | V log V |
/// | [Heap] | a heap of the k largest so far | V + (new largest) · log k |
/// | [QuickSelect] | partitioning around pivots | about 3 V |
/// | [ThresholdSearch] | a lower bound from chunk maxima, then quick-select above it | V + little |
///
/// What follows is the same: everything of at least that value is gathered, equals are thinned out.
public sealed interface TopKKernel {

  /// Leaves the tokens that `new TopK(k, ties, 1)` keeps in `kept`.
  ///
  /// @throws IllegalArgumentException if the logits are no scores or `k` is negative
  default void select(float[] logits, int k, Ties ties, Candidates kept) {
    if (k < 0) throw new IllegalArgumentException("k must be 0 (keep all) or more, was " + k);
    kept.reset(logits.length);
    scan().maxima(logits, kept.maxima);
    if (k == 0 || k >= logits.length) {
      scan().gather(logits, -Float.MAX_VALUE, kept);
      return;
    }
    float threshold = kthLargest(logits, k, kept);
    threshold = Math.max(threshold, -Float.MAX_VALUE); // removed tokens stay removed
    collect(logits, threshold, kept);
    kept.keep(threshold, ties == Ties.EXACTLY_K ? k : kept.count());
  }

  /// Fills `kept` with the tokens of at least `threshold`, and perhaps others.
  default void collect(float[] logits, float threshold, Candidates kept) {
    scan().gather(logits, threshold, kept);
  }

  /// The k-th largest logit, 1 ≤ k < V; the chunk maxima are in `scratch`.
  float kthLargest(float[] logits, int k, Candidates scratch);

  /// The passes that this form uses.
  LogitScan scan();

  /// The fastest form that this JVM can run.
  static TopKKernel best() {
    return new ThresholdSearch(LogitScan.best());
  }

  /// Sorts a copy.
  record FullSort(LogitScan scan) implements TopKKernel {
    @Override
    public float kthLargest(float[] logits, int k, Candidates scratch) {
      System.arraycopy(logits, 0, scratch.values, 0, logits.length);
      Arrays.sort(scratch.values, 0, logits.length);
      return scratch.values[logits.length - k];
    }
  }

  /// Keeps the k largest so far in a heap with the smallest on top.
  record Heap(LogitScan scan) implements TopKKernel {
    @Override
    public float kthLargest(float[] logits, int k, Candidates scratch) {
      float[] heap = scratch.values;
      System.arraycopy(logits, 0, heap, 0, k);
      for (int root = k / 2 - 1; root >= 0; root--) sink(heap, root, k);
      for (int i = k; i < logits.length; i++)
        if (logits[i] > heap[0]) {
          heap[0] = logits[i];
          sink(heap, 0, k);
        }
      return heap[0];
    }

    private static void sink(float[] heap, int root, int size) {
      float value = heap[root];
      for (int child = 2 * root + 1; child < size; child = 2 * root + 1) {
        if (child + 1 < size && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= value) break;
        heap[root] = heap[child];
        root = child;
      }
      heap[root] = value;
    }
  }

  /// Partitions a copy.
  record QuickSelect(LogitScan scan) implements TopKKernel {
    @Override
    public float kthLargest(float[] logits, int k, Candidates scratch) {
      System.arraycopy(logits, 0, scratch.values, 0, logits.length);
      return Selection.kthLargest(scratch.values, logits.length, k);
    }
  }

  /// The k-th largest of the chunk maxima is a lower bound of the k-th largest logit, since k chunks
  /// have a logit that large; and little lies above it.
  record ThresholdSearch(LogitScan scan) implements TopKKernel {
    @Override
    public void collect(float[] logits, float threshold, Candidates kept) {
      // what lies above the bound is there already
    }

    @Override
    public float kthLargest(float[] logits, int k, Candidates scratch) {
      int chunks = LogitScan.chunks(logits.length);
      float bound = Float.NEGATIVE_INFINITY;
      if (k <= chunks) {
        System.arraycopy(scratch.maxima, 0, scratch.values, 0, chunks);
        bound = Selection.kthLargest(scratch.values, chunks, k);
      }
      scan.gather(logits, bound, scratch);
      System.arraycopy(scratch.logits(), 0, scratch.values, 0, scratch.count());
      return Selection.kthLargest(scratch.values, scratch.count(), k);
    }
  }
}
