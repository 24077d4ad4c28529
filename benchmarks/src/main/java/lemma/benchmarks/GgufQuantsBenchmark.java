package lemma.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.format.BlockFormat;
import lemma.core.format.ElementType;
import lemma.core.format.FloatFormat;
import lemma.core.format.StoredTensor;
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

/// A square matrix times one vector, with the weights in each format: projections of a small and of a
/// 7B model.
///
/// `decodeFirst` is what a kernel that knows only floats must do: decode the matrix, then multiply.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx1g"})
public class GgufQuantsBenchmark {
  @Param({"768", "4096"})
  int size;

  @Param({"F32", "F16", "Q8_0", "Q6_K", "Q4_K", "Q4_0"})
  ElementType type;

  private WeightMatrix w;
  private WeightMatrix decoded;
  private float[] row;
  private float[] x;
  private float[] y;
  private final MatVecKernel scalar = new MatVecKernel.Scalar();
  private final MatVecKernel vectorised = MatVecKernel.best();
  private final Workers workers = new Workers(Runtime.getRuntime().availableProcessors());
  private final Workers.Loop share = this::rows;

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    x = new float[size];
    for (int j = 0; j < size; j++) x[j] = (float) random.nextGaussian();
    y = new float[size];
    row = new float[size];
    w = outsideOfHeap(type);
    decoded = outsideOfHeap(ElementType.F32);
    long rowBytes = w.rowBytes();
    double[] expected = new double[size];
    for (int i = 0; i < size; i++) {
      double[] weights = random.doubles(size, -1, 1).toArray();
      w.bytes().asSlice(i * rowBytes, rowBytes).copyFrom(stored(weights).bytes());
      w.row(i, row, 0);
      for (int j = 0; j < size; j++) expected[i] += (double) row[j] * x[j];
    }
    Agreement.check("scalar", scalar(), expected, 1e-5);
    Agreement.check("vectorised", vectorised(), expected, 1e-5);
    Agreement.check("threads", threads(), expected, 1e-5);
    Agreement.check("decodeFirst", decodeFirst(), expected, 1e-5);
  }

  private WeightMatrix outsideOfHeap(ElementType of) {
    MemorySegment bytes = Arena.ofAuto().allocate(of.byteSize((long) size * size), 64);
    return new WeightMatrix(bytes, of, size, size);
  }

  private StoredTensor stored(double[] weights) {
    int[] shape = {size};
    return type.blockFormat().isPresent()
        ? StoredTensor.of("row", weights, shape, BlockFormat.valueOf(type.name()))
        : StoredTensor.of("row", weights, shape, FloatFormat.valueOf(type.name()));
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
    scalar.apply(w, x, y, 1, 0, size);
    return y;
  }

  @Benchmark
  public float[] vectorised() {
    vectorised.apply(w, x, y, 1, 0, size);
    return y;
  }

  /// All processors share the rows.
  @Benchmark
  public float[] threads() {
    workers.run(size, share);
    return y;
  }

  @Benchmark
  public float[] decodeFirst() {
    for (int i = 0; i < size; i++) {
      w.row(i, row, 0);
      decoded.bytes().asSlice(i * decoded.rowBytes()).copyFrom(MemorySegment.ofArray(row));
    }
    vectorised.apply(decoded, x, y, 1, 0, size);
    return y;
  }
}
