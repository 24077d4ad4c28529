package lemma.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.format.ElementType;
import lemma.core.format.FloatFormat;
import lemma.core.kernel.MatVecKernel;
import lemma.core.kernel.WeightMatrix;
import lemma.core.kernel.Workers;
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

/// A 4096 × 4096 matrix times one vector, a projection of a 7B model, in each format of weights.
///
/// `bandwidthBound` reads the same bytes and only adds them up: no form can be faster than that on
/// as many threads.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx1g"})
public class MatVecBenchmark {
  private static final int SIZE = 4096;

  @Param({"F32", "F16", "BF16"})
  FloatFormat format;

  private WeightMatrix w;
  private float[] x;
  private float[] y;
  private final MatVecKernel scalar = new MatVecKernel.Scalar();
  private final MatVecKernel vectorised = MatVecKernel.best();
  private final Workers workers = new Workers(Runtime.getRuntime().availableProcessors());
  private final Workers.Loop share = this::rows;

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    MemorySegment bytes = Arena.ofAuto().allocate((long) SIZE * SIZE * format.bytes(), 64);
    for (long i = 0; i < (long) SIZE * SIZE; i++) {
      int bits = format.narrow((float) random.nextGaussian());
      if (format == FloatFormat.F32) bytes.setAtIndex(ValueLayout.JAVA_INT, i, bits);
      else bytes.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) bits);
    }
    w = new WeightMatrix(bytes, ElementType.valueOf(format.name()), SIZE, SIZE);
    x = new float[SIZE];
    for (int j = 0; j < SIZE; j++) x[j] = (float) random.nextGaussian();
    y = new float[SIZE];
    float[] got = vectorised().clone();
    double[] expected = new double[SIZE];
    for (int i = 0; i < SIZE; i++)
      for (int j = 0; j < SIZE; j++) expected[i] += (double) w.get(i, j) * x[j];
    Agreement.check("vectorised", got, expected, 1e-5);
    Agreement.check("scalar", scalar(), expected, 1e-5);
    Agreement.check("threads", threads(), expected, 1e-5);
  }

  @TearDown(Level.Trial)
  public void close() {
    workers.close();
  }

  private void rows(int from, int to) {
    vectorised.apply(w, x, y, 1, from, to);
  }

  @Benchmark
  public float[] scalar() {
    scalar.apply(w, x, y, 1, 0, SIZE);
    return y;
  }

  @Benchmark
  public float[] vectorised() {
    vectorised.apply(w, x, y, 1, 0, SIZE);
    return y;
  }

  /// All processors share the rows.
  @Benchmark
  public float[] threads() {
    workers.run(SIZE, share);
    return y;
  }

  /// One thread reads every byte and does nothing else with it.
  @Benchmark
  public long bandwidthBound() {
    MemorySegment bytes = w.bytes();
    long sum0 = 0;
    long sum1 = 0;
    long sum2 = 0;
    long sum3 = 0;
    for (long i = 0; i < bytes.byteSize(); i += 32) {
      sum0 += bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, i);
      sum1 += bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, i + 8);
      sum2 += bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, i + 16);
      sum3 += bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, i + 24);
    }
    return sum0 + sum1 + sum2 + sum3;
  }
}
