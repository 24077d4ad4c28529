package lemma.benchmarks;

import java.util.Arrays;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import lemma.core.kernel.Matrix;
import lemma.core.kernel.MatrixProduct;
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

/// The float64 matrix product against the plain loop and against the processor's own limit.
///
/// The two `peak` methods do the product's `m · n · k` multiply-adds in registers, without memory:
/// their time divided by the product's time is the share of the peak that the product reaches.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class MatrixProductBenchmark {

  private static final VectorSpecies<Double> SPECIES = DoubleVector.SPECIES_PREFERRED;
  private static final int ACCUMULATORS = 12;

  /// `m x n x k`; the last is a projection of a batch of 2048 tokens from 128 to 352 channels.
  @Param({"64x64x64", "128x128x128", "256x256x256", "512x512x512", "2048x352x128"})
  private String shape;

  private Matrix a;
  private Matrix b;
  private Matrix c;
  private long multiplyAdds;

  @Setup
  public void setUp() {
    int[] sizes = Arrays.stream(shape.split("x")).mapToInt(Integer::parseInt).toArray();
    int m = sizes[0];
    int n = sizes[1];
    int k = sizes[2];
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    a = Matrix.of(gaussian(m * k, random), m, k);
    b = Matrix.of(gaussian(k * n, random), k, n);
    c = Matrix.of(new double[m * n], m, n);
    multiplyAdds = (long) m * n * k;
    double[] expected = scalar().clone();
    if (!Arrays.equals(expected, vectorised()) || !Arrays.equals(expected, vectorisedOneThread())) {
      throw new IllegalStateException("the forms disagree at " + shape);
    }
  }

  @Benchmark
  public double[] scalar() {
    MatrixProduct.scalar(a, b, c, false);
    return c.data();
  }

  @Benchmark
  public double[] vectorisedOneThread() {
    MatrixProduct.multiply(a, b, c, false, 1);
    return c.data();
  }

  @Benchmark
  public double[] vectorised() {
    MatrixProduct.multiply(a, b, c, false);
    return c.data();
  }

  @Benchmark
  public double peakOneThread() {
    return multiplyAddsInRegisters(multiplyAdds);
  }

  @Benchmark
  public double peakBothCores() {
    ForkJoinTask<Double> half =
        ForkJoinTask.adapt(() -> multiplyAddsInRegisters(multiplyAdds / 2)).fork();
    return multiplyAddsInRegisters(multiplyAdds / 2) + half.join();
  }

  /// Independent chains, enough to hide the latency of one multiply-add on every unit there is.
  private double multiplyAddsInRegisters(long count) {
    // Loaded, because a broadcast would be compiled into one more broadcast per multiply-add.
    DoubleVector x = DoubleVector.fromArray(SPECIES, a.data(), 0);
    DoubleVector y = DoubleVector.fromArray(SPECIES, b.data(), 0);
    DoubleVector c0 = y;
    DoubleVector c1 = y;
    DoubleVector c2 = y;
    DoubleVector c3 = y;
    DoubleVector c4 = y;
    DoubleVector c5 = y;
    DoubleVector c6 = y;
    DoubleVector c7 = y;
    DoubleVector c8 = y;
    DoubleVector c9 = y;
    DoubleVector c10 = y;
    DoubleVector c11 = y;
    int steps = (int) (count / (ACCUMULATORS * SPECIES.length()));
    for (int i = 0; i < steps; i++) {
      c0 = x.fma(y, c0);
      c1 = x.fma(y, c1);
      c2 = x.fma(y, c2);
      c3 = x.fma(y, c3);
      c4 = x.fma(y, c4);
      c5 = x.fma(y, c5);
      c6 = x.fma(y, c6);
      c7 = x.fma(y, c7);
      c8 = x.fma(y, c8);
      c9 = x.fma(y, c9);
      c10 = x.fma(y, c10);
      c11 = x.fma(y, c11);
    }
    DoubleVector sum = c0.add(c1).add(c2).add(c3).add(c4).add(c5);
    return sum.add(c6).add(c7).add(c8).add(c9).add(c10).add(c11).reduceLanes(VectorOperators.ADD);
  }

  private static double[] gaussian(int size, RandomGenerator random) {
    double[] x = new double[size];
    Arrays.setAll(x, i -> random.nextGaussian());
    return x;
  }
}
