package lemma.benchmarks;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.LogitScan;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.TopP;
import lemma.sampling.filter.TopPKernel;
import lemma.sampling.filter.TopPNd4j;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// Top-p 0.9 of a whole vocabulary of [PeakedLogits]: four algorithms, ND4J and the formula, beside
/// the vectorised softmax, which any of them would seem to need.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class TopPBenchmark {
  @Param({"32768", "128256", "152064"})
  int vocabulary;

  private final LogitScan scan = LogitScan.best();
  private final Candidates kept = new Candidates();
  private float[] logits;
  private double[] wide;
  private INDArray array;
  private float[] probabilities;
  private static final int[] NO_HISTORY = {};

  @Setup
  public void setup() {
    logits = PeakedLogits.of(vocabulary);
    wide = PeakedLogits.wide(logits);
    array = Nd4j.create(logits);
    probabilities = new float[vocabulary];
    int[] expected = Logits.kept(formula());
    check("fullSort", fullSort().tokens(), expected);
    check("heap", heap().tokens(), expected);
    check("quickSelect", quickSelect().tokens(), expected);
    check("thresholdSearch", thresholdSearch().tokens(), expected);
    try (INDArray result = new TopPNd4j(0.9).apply(array)) {
      check("nd4j", Logits.kept(result.data().asDouble()), expected);
    }
  }

  private static void check(String form, int[] got, int[] expected) {
    if (!Arrays.equals(got, expected))
      throw new IllegalStateException(form + " keeps other tokens than the formula");
  }

  @TearDown(Level.Trial)
  public void close() {
    array.close();
  }

  @Benchmark
  public double[] formula() {
    return new TopP(0.9).process(NO_HISTORY, wide);
  }

  @Benchmark
  public Candidates fullSort() {
    return select(new TopPKernel.FullSort(scan));
  }

  @Benchmark
  public Candidates heap() {
    return select(new TopPKernel.Heap(scan));
  }

  @Benchmark
  public Candidates quickSelect() {
    return select(new TopPKernel.QuickSelect(scan));
  }

  @Benchmark
  public Candidates thresholdSearch() {
    return select(new TopPKernel.ThresholdSearch(scan));
  }

  private Candidates select(TopPKernel kernel) {
    kernel.select(logits, 1, 0.9, kept);
    return kept;
  }

  @Benchmark
  public void nd4j() {
    new TopPNd4j(0.9).apply(array).close();
  }

  @Benchmark
  public float[] softmax() {
    scan.softmax(logits, 1, probabilities);
    return probabilities;
  }
}
