package lemma.sampling.filter;

import java.util.Arrays;

/// [TopP] on float logits, after [Temperature]: four ways to walk down the vocabulary from its most
/// probable token until the mass is reached.
///
/// | form | walks by | cost for a nucleus of n |
/// |---|---|---|
/// | [FullSort] | sorting the vocabulary | V log V |
/// | [Heap] | a heap of the vocabulary, popped | V + n log V |
/// | [QuickSelect] | quick-sort that leaves what lies below for later | V + n log n |
/// | [ThresholdSearch] | gathering what lies near the maximum, in buckets sorted when reached | V + n |
///
/// All decide as the formula does, bit for bit: the mass of the nucleus is summed in double. Only the
/// mass of the vocabulary is a fast sum within [LogitScan#MASS_ERROR]; where that leaves the decision
/// open, it is summed again with the formula's own arithmetic.
public sealed interface TopPKernel {

  /// Leaves the tokens that `Temperature(temperature)` and `TopP(p)` keep in `kept`.
  ///
  /// @throws IllegalArgumentException if the logits are no scores, `p` is outside [0, 1] or
  ///     `temperature` outside [1e-30, 1e30]
  default void select(float[] logits, double temperature, double p, Candidates kept) {
    if (!(p >= 0 && p <= 1)) throw new IllegalArgumentException("p must be in [0, 1], was " + p);
    LogitScan.checkTemperature(temperature);
    kept.reset(logits.length);
    float max = scan().maxima(logits, kept.maxima);
    if (p == 1) {
      scan().gather(logits, -Float.MAX_VALUE, kept);
      return;
    }
    double total = scan().mass(logits, 0, logits.length, max, temperature);
    boolean exact = false;
    int available = arrange(logits, max, temperature, p * total, kept);
    double mass = 0;
    float last = max;
    int nucleus = 0;
    while (nucleus < available) {
      last = Keys.logit(next(nucleus++, available, kept));
      mass += Weight.of(last, max, temperature);
      if (!exact && Math.abs(mass - p * total) <= LogitScan.MASS_ERROR * p * total) {
        total = Weight.sum(logits, max, temperature);
        exact = true;
      }
      if (mass >= p * total) break;
    }
    scan().gather(logits, Math.max(last, -Float.MAX_VALUE), kept);
    kept.keep(last, nucleus);
  }

  /// Prepares the walk, in `scratch`, and returns how many tokens it can reach: enough for `mass`.
  int arrange(float[] logits, float max, double temperature, double mass, Candidates scratch);

  /// The key of the token at `rank` (from 0) of `count`, after those of the ranks before it.
  long next(int rank, int count, Candidates scratch);

  /// The passes that this form uses.
  LogitScan scan();

  /// The fastest form that this JVM can run.
  static TopPKernel best() {
    return new ThresholdSearch(LogitScan.best());
  }

  private static void keys(float[] logits, long[] keys) {
    for (int i = 0; i < logits.length; i++) keys[i] = Keys.of(logits[i], i);
  }

  /// Sorts everything first.
  record FullSort(LogitScan scan) implements TopPKernel {
    @Override
    public int arrange(float[] logits, float max, double temperature, double mass, Candidates w) {
      keys(logits, w.keys);
      Arrays.sort(w.keys, 0, logits.length);
      return logits.length;
    }

    @Override
    public long next(int rank, int count, Candidates w) {
      return w.keys[rank];
    }
  }

  /// A heap with the most probable token on top; what is popped goes behind it.
  record Heap(LogitScan scan) implements TopPKernel {
    @Override
    public int arrange(float[] logits, float max, double temperature, double mass, Candidates w) {
      keys(logits, w.keys);
      for (int root = logits.length / 2 - 1; root >= 0; root--) sink(w.keys, root, logits.length);
      return logits.length;
    }

    @Override
    public long next(int rank, int count, Candidates w) {
      long top = w.keys[0];
      int size = count - rank - 1;
      w.keys[0] = w.keys[size];
      sink(w.keys, 0, size);
      return top;
    }

    private static void sink(long[] heap, int root, int size) {
      long key = heap[root];
      for (int child = 2 * root + 1; child < size; child = 2 * root + 1) {
        if (child + 1 < size && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= key) break;
        heap[root] = heap[child];
        root = child;
      }
      heap[root] = key;
    }
  }

  /// Selects the next block of the most probable and sorts that; each block is four times as large.
  record QuickSelect(LogitScan scan) implements TopPKernel {
    @Override
    public int arrange(float[] logits, float max, double temperature, double mass, Candidates w) {
      keys(logits, w.keys);
      w.sorted = 0;
      return logits.length;
    }

    @Override
    public long next(int rank, int count, Candidates w) {
      return nextOfBlock(rank, count, w);
    }
  }

  /// Leaves out what cannot belong to the nucleus before anything is ordered: tokens more than 6·T
  /// below the maximum, or, where the others weigh too little, 12·T, 24·T, or none.
  record ThresholdSearch(LogitScan scan) implements TopPKernel {
    private static final double NEAREST = 6;
    private static final double FARTHEST = 24;

    @Override
    public int arrange(float[] logits, float max, double temperature, double mass, Candidates w) {
      double enough = mass * (1 + 3 * LogitScan.MASS_ERROR);
      for (double depth = NEAREST; depth <= FARTHEST; depth *= 2) {
        scan.gather(logits, (float) (max - depth * temperature), w);
        if (scan.mass(w.logits(), 0, w.count(), max, temperature) >= enough) return keys(w);
      }
      scan.gather(logits, -Float.MAX_VALUE, w);
      return keys(w);
    }

    private static int keys(Candidates w) {
      for (int i = 0; i < w.count(); i++) w.keys[i] = Keys.of(w.logit(i), w.token(i));
      w.sorted = 0;
      return w.count();
    }

    @Override
    public long next(int rank, int count, Candidates w) {
      return nextOfBlock(rank, count, w);
    }
  }

  private static long nextOfBlock(int rank, int count, Candidates w) {
    if (rank == w.sorted) {
      int block = Math.max(64, 3 * w.sorted);
      w.sorted = Math.min(count, rank + block);
      Selection.smallestFirst(w.keys, rank, count, w.sorted);
      Arrays.sort(w.keys, rank, w.sorted);
    }
    return w.keys[rank];
  }
}
