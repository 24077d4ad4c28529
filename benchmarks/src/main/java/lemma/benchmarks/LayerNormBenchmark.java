package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.norm.LayerNorm;
import lemma.core.norm.LayerNormKernel;
import lemma.core.norm.LayerNormNd4j;
import lemma.core.norm.RmsNormKernel;
import lemma.core.tensor.Tensor;
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

/// One row of LayerNorm at the hidden sizes of real models, in every form, and RMSNorm beside it.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class LayerNormBenchmark {
  private static final float EPSILON = 1e-5f;

  @Param({"768", "4096", "8192"})
  int dim;

  private float[] x;
  private float[] gain;
  private float[] bias;
  private float[] y;
  private Tensor rows;
  private LayerNorm formula;
  private INDArray rowsNd4j;
  private INDArray gainNd4j;
  private INDArray biasNd4j;
  private LayerNormNd4j nd4j;
  private final LayerNormKernel scalar = new LayerNormKernel.Scalar();
  private final LayerNormKernel vectorised = new LayerNormKernel.Vectorised();
  private final RmsNormKernel rmsNorm = new RmsNormKernel.Vectorised();

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    x = new float[dim];
    gain = new float[dim];
    bias = new float[dim];
    y = new float[dim];
    double[] wide = new double[dim];
    double[] wideGain = new double[dim];
    double[] wideBias = new double[dim];
    for (int i = 0; i < dim; i++) {
      wide[i] = x[i] = (float) random.nextGaussian();
      wideGain[i] = gain[i] = (float) random.nextGaussian();
      wideBias[i] = bias[i] = (float) random.nextGaussian();
    }
    rows = Tensor.of(wide, 1, dim);
    formula = new LayerNorm(Tensor.vector(wideGain), Tensor.vector(wideBias), EPSILON);
    rowsNd4j = Nd4j.create(x, new int[] {1, dim}, 'c');
    gainNd4j = Nd4j.create(gain);
    biasNd4j = Nd4j.create(bias);
    nd4j = new LayerNormNd4j(gainNd4j, biasNd4j, EPSILON);
    double[] expected = formula.apply(rows).toArray();
    Agreement.check("scalar", scalar(), expected, 1e-5);
    Agreement.check("vectorised", vectorised(), expected, 1e-5);
    try (INDArray result = nd4j.apply(rowsNd4j)) {
      Agreement.check("nd4j", result.data().asFloat(), expected, 1e-5);
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    rowsNd4j.close();
    gainNd4j.close();
    biasNd4j.close();
  }

  @Benchmark
  public Tensor formula() {
    return formula.apply(rows);
  }

  @Benchmark
  public float[] scalar() {
    scalar.apply(x, 0, gain, bias, EPSILON, y, 0, dim);
    return y;
  }

  @Benchmark
  public float[] vectorised() {
    vectorised.apply(x, 0, gain, bias, EPSILON, y, 0, dim);
    return y;
  }

  @Benchmark
  public float[] rmsNormVectorised() {
    rmsNorm.apply(x, 0, gain, EPSILON, y, 0, dim);
    return y;
  }

  @Benchmark
  public void nd4j() {
    nd4j.apply(rowsNd4j).close();
  }
}
