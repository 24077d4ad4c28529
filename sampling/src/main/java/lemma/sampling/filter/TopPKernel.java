package lemma.sampling.filter;

import java.util.Arrays;

/// [TopP] on float logits, after [Temperature]: four ways to walk down the vocabulary from its most
/// probable token until the mass is reached.
///
/// | form | walks by | cost for a nucleus of n |
/// |---|---|---|
/// | [FullSort] | sorting the vocabulary | V log V |
/// | [Heap] | a heap of the vocabulary, popped | V + n log V |
/// | [QuickSelect] | taking the upper part of a partition as a whole while its mass falls short | about 3 V |
/// | [ThresholdSearch] | the same among what lies near the maximum | V + about 3 n |
///
/// All decide as the formula does, bit for bit. The mass of the vocabulary is a fast sum within
/// [LogitScan#MASS_ERROR]; where that leaves the decision open, it is summed again with the formula's
/// own arithmetic. Where even the order of the summation could decide, the walk is repeated in the
/// formula's order.
public sealed interface TopPKernel {
  /// How far sums of the same weights in different orders may be apart: up to 2⁻⁵³ for each of less
  /// than a million weights.
  double ORDER_ERROR = 1e-10;

  /// Fewer tokens are sorted rather than partitioned.
  int SMALL = 64;

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
    kept.taken = 0;
    kept.takenMass = 0;
    int available = arrange(logits, max, temperature, p * total, kept);
    int nucleus = kept.taken;
    double mass = kept.takenMass;
    float last = max;
    while (nucleus < available) {
      last = Keys.logit(next(nucleus++, available, kept));
      mass += Weight.of(last, max, temperature);
      if (!exact && Math.abs(mass - p * total) <= LogitScan.MASS_ERROR * p * total) {
        total = Weight.sum(logits, max, temperature);
        exact = true;
      }
      if (kept.taken > 0 && Math.abs(mass - p * total) <= ORDER_ERROR * total) {
        nucleus = kept.taken = kept.sorted = 0; // once more, one by one
        mass = 0;
      } else if (mass >= p * total) break;
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

  /// Partitions the vocabulary, on the side where the border of the nucleus is.
  record QuickSelect(LogitScan scan) implements TopPKernel {
    @Override
    public int arrange(float[] logits, float max, double temperature, double mass, Candidates w) {
      keys(logits, w.keys);
      take(logits.length, max, temperature, mass, w);
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
      gather(logits, max, temperature, mass * (1 + 3 * LogitScan.MASS_ERROR), w);
      for (int i = 0; i < w.count(); i++) w.keys[i] = Keys.of(w.logit(i), w.token(i));
      take(w.count(), max, temperature, mass, w);
      return w.count();
    }

    private void gather(
        float[] logits, float max, double temperature, double enough, Candidates w) {
      for (double depth = NEAREST; depth <= FARTHEST; depth *= 2) {
        scan.gather(logits, (float) (max - depth * temperature), w);
        if (scan.mass(w.logits(), 0, w.count(), max, temperature) >= enough) return;
      }
      scan.gather(logits, -Float.MAX_VALUE, w);
    }

    @Override
    public long next(int rank, int count, Candidates w) {
      return nextOfBlock(rank, count, w);
    }
  }

  /// Quick-select by mass: as long as the upper part of a partition surely falls short of the target
  /// it is taken as a whole, if it surely suffices the lower part is left.
  private static void take(int count, float max, double temperature, double target, Candidates w) {
    int to = count;
    while (to - w.taken > SMALL) {
      int middle = Selection.partition(w.keys, w.taken, to);
      double mass = w.takenMass;
      for (int i = w.taken; i < middle; i++)
        mass += Weight.of(Keys.logit(w.keys[i]), max, temperature);
      if (mass >= target * (1 + 3 * LogitScan.MASS_ERROR)) to = middle;
      else if (mass > target * (1 - 3 * LogitScan.MASS_ERROR)) break;
      else {
        w.taken = middle;
        w.takenMass = mass;
      }
    }
    w.sorted = w.taken;
  }

  /// Orders keys block by block, each four times as large as the one before.
  private static long nextOfBlock(int rank, int count, Candidates w) {
    if (rank == w.sorted) {
      w.sorted = Math.min(count, rank + Math.max(SMALL, 3 * (w.sorted - w.taken)));
      Selection.smallestFirst(w.keys, rank, count, w.sorted);
      Arrays.sort(w.keys, rank, w.sorted);
    }
    return w.keys[rank];
  }
}
