package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.LogitScan;
import lemma.sampling.filter.TopK;
import lemma.sampling.filter.TopKKernel;
import lemma.sampling.filter.TopKNd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.Warmup;

/// Top-k 50 of a whole vocabulary of [PeakedLogits]: four algorithms, ND4J and the formula, beside a
/// vectorised pass for the largest logit, which no form can do without.
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class TopKBenchmark extends WholeVocabulary {
  private final float[] maxima = new float[LogitScan.CHUNKS];

  @Setup
  public void setup() {
    prepare();
    double[] expected = formula();
    check("fullSort", fullSort().tokens(), expected);
    check("heap", heap().tokens(), expected);
    check("quickSelect", quickSelect().tokens(), expected);
    check("thresholdSearch", thresholdSearch().tokens(), expected);
    checkNd4j(new TopKNd4j(50).apply(array), expected);
  }

  @Benchmark
  public double[] formula() {
    return new TopK(50).process(noHistory, wide);
  }

  @Benchmark
  public Candidates fullSort() {
    return select(new TopKKernel.FullSort(scan));
  }

  @Benchmark
  public Candidates heap() {
    return select(new TopKKernel.Heap(scan));
  }

  @Benchmark
  public Candidates quickSelect() {
    return select(new TopKKernel.QuickSelect(scan));
  }

  @Benchmark
  public Candidates thresholdSearch() {
    return select(new TopKKernel.ThresholdSearch(scan));
  }

  private Candidates select(TopKKernel kernel) {
    kernel.select(logits, 50, TopK.Ties.EXACTLY_K, kept);
    return kept;
  }

  @Benchmark
  public void nd4j() {
    new TopKNd4j(50).apply(array).close();
  }

  @Benchmark
  public float maximum() {
    return scan.maxima(logits, maxima);
  }
}
