package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.TopP;
import lemma.sampling.filter.TopPKernel;
import lemma.sampling.filter.TopPNd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.Warmup;

/// Top-p 0.9 of a whole vocabulary of [PeakedLogits]: four algorithms, ND4J and the formula, beside
/// the vectorised softmax, which any of them would seem to need.
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class TopPBenchmark extends WholeVocabulary {
  private float[] probabilities;

  @Setup
  public void setup() {
    prepare();
    probabilities = new float[vocabulary];
    double[] expected = formula();
    check("fullSort", fullSort().tokens(), expected);
    check("heap", heap().tokens(), expected);
    check("quickSelect", quickSelect().tokens(), expected);
    check("thresholdSearch", thresholdSearch().tokens(), expected);
    checkNd4j(new TopPNd4j(0.9).apply(array), expected);
  }

  @Benchmark
  public double[] formula() {
    return new TopP(0.9).process(noHistory, wide);
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
