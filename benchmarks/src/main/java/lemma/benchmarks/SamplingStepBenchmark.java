package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.sampling.draw.Draw;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.LogitScan;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.SamplingKernel;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// A whole sampling step on [PeakedLogits] with the settings that people use, beside the vectorised
/// pass for the largest logit.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class SamplingStepBenchmark {
  @Param({"32768", "128256", "152064"})
  int vocabulary;

  private final RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(2);
  private final LogitScan scan = LogitScan.best();
  private final Candidates scratch = new Candidates();
  private final float[] maxima = new float[LogitScan.CHUNKS];
  private final SamplingKernel usual = new SamplingKernel(0.8, 50, 0.9, 0);
  private final LogitsProcessor chain = usual.formula();
  private float[] logits;
  private double[] wide;

  @Setup
  public void setup() {
    logits = PeakedLogits.of(vocabulary);
    wide = PeakedLogits.wide(logits);
    for (int seed = 0; seed < 100; seed++)
      if (usual.draw(logits, scratch, generator(seed))
          != new Draw.InverseCdf().token(chain.process(new int[0], wide), generator(seed)))
        throw new IllegalStateException("the fast step draws another token than the formula");
  }

  private static RandomGenerator generator(long seed) {
    return RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(seed);
  }

  /// The pass for the largest logit alone.
  @Benchmark
  public float maximum() {
    return scan.maxima(logits, maxima);
  }

  /// T = 0.
  @Benchmark
  public int greedy() {
    return new SamplingKernel(0, 0, 1, 0).draw(logits, scratch, random);
  }

  /// T = 0.8 → top-k 50 → top-p 0.9 → draw.
  @Benchmark
  public int topKTopP() {
    return usual.draw(logits, scratch, random);
  }

  /// T = 0.8 → top-p 0.9 → draw.
  @Benchmark
  public int topP() {
    return new SamplingKernel(0.8, 0, 0.9, 0).draw(logits, scratch, random);
  }

  /// T = 0.8 → min-p 0.05 → draw.
  @Benchmark
  public int minP() {
    return new SamplingKernel(0.8, 0, 1, 0.05).draw(logits, scratch, random);
  }

  /// T = 0.8 → draw.
  @Benchmark
  public int noFilter() {
    return new SamplingKernel(0.8, 0, 1, 0).draw(logits, scratch, random);
  }

  /// T = 0.8 → top-k 50 → top-p 0.9 → draw, as a chain of formulas.
  @Benchmark
  public int formula() {
    return new Draw.InverseCdf().token(chain.process(new int[0], wide), random);
  }
}
