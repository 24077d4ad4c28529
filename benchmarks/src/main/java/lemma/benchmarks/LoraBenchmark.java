package lemma.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.format.ElementType;
import lemma.core.format.FloatFormat;
import lemma.core.format.StoredTensor;
import lemma.core.kernel.MatVecKernel;
import lemma.core.kernel.WeightMatrix;
import lemma.core.tensor.Tensor;
import lemma.core.tuning.Lora;
import lemma.core.tuning.LoraKernel;
import lemma.core.tuning.LoraNd4j;
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

/// One token through one square matrix of a 7B model: the update merged into it, and beside it.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class LoraBenchmark {
  private static final int DIM = 4096;

  @Param({"8", "64"})
  int rank;

  private Tensor row;
  private Tensor matrix;
  private Lora lora;
  private float[] x;
  private float[] a;
  private float[] bTransposed;
  private float[] y;
  private WeightMatrix weight;
  private WeightMatrix merged;
  private INDArray rowNd4j;
  private INDArray aNd4j;
  private INDArray bNd4j;
  private LoraNd4j nd4j;
  private final MatVecKernel matrixKernel = MatVecKernel.best();
  private final LoraKernel scalar = new LoraKernel.Scalar();
  private final LoraKernel vectorised = new LoraKernel.Vectorised();

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    row = Tensor.gaussian(random, 1, DIM);
    matrix = Tensor.gaussian(random, DIM, DIM);
    lora = new Lora(Tensor.gaussian(random, rank, DIM), Tensor.gaussian(random, DIM, rank), 2);
    x = floats(row);
    a = floats(lora.a());
    bTransposed = floats(lora.b().transpose(0, 1));
    y = new float[DIM];
    weight = stored(matrix);
    merged = stored(lora.merge(matrix));
    rowNd4j = Nd4j.create(x, new int[] {1, DIM}, 'c');
    aNd4j = Nd4j.create(a, new int[] {rank, DIM}, 'c');
    bNd4j = Nd4j.create(floats(lora.b()), new int[] {DIM, rank}, 'c');
    nd4j = new LoraNd4j(aNd4j, bNd4j, 2);
    double[] expected = lora.linear(row, matrix).toArray();
    Agreement.check("merged", merged(), expected, 1e-4);
    Agreement.check("beside", beside(), expected, 1e-4);
    double[] update = lora.apply(row).toArray();
    y = new float[DIM];
    Agreement.check("updateVectorised", updateVectorised(), update, 1e-5);
    y = new float[DIM];
    Agreement.check("updateScalar", updateScalar(), update, 1e-5);
    try (INDArray result = nd4j.apply(rowNd4j)) {
      Agreement.check("updateNd4j", result.data().asFloat(), update, 1e-5);
    }
  }

  private static float[] floats(Tensor tensor) {
    float[] floats = new float[tensor.count()];
    for (int i = 0; i < floats.length; i++) floats[i] = (float) tensor.data()[i];
    return floats;
  }

  /// Outside of the heap, as the weights of a mapped file are.
  private static WeightMatrix stored(Tensor matrix) {
    MemorySegment bytes = Arena.ofAuto().allocate(4L * DIM * DIM, 64);
    bytes.copyFrom(StoredTensor.of("W", matrix.data(), matrix.shape(), FloatFormat.F32).bytes());
    return new WeightMatrix(bytes, ElementType.F32, DIM, DIM);
  }

  @TearDown(Level.Trial)
  public void close() {
    rowNd4j.close();
    aNd4j.close();
    bNd4j.close();
  }

  /// The layer: one matrix that holds W + ΔW.
  @Benchmark
  public float[] merged() {
    matrixKernel.apply(merged, x, y, 1, 0, DIM);
    return y;
  }

  /// The layer: W, then the update.
  @Benchmark
  public float[] beside() {
    matrixKernel.apply(weight, x, y, 1, 0, DIM);
    vectorised.add(x, a, bTransposed, rank, 2, y);
    return y;
  }

  /// The update alone.
  @Benchmark
  public Tensor updateFormula() {
    return lora.apply(row);
  }

  @Benchmark
  public float[] updateScalar() {
    scalar.add(x, a, bTransposed, rank, 2, y);
    return y;
  }

  @Benchmark
  public float[] updateVectorised() {
    vectorised.add(x, a, bTransposed, rank, 2, y);
    return y;
  }

  @Benchmark
  public void updateNd4j() {
    nd4j.apply(rowNd4j).close();
  }
}
