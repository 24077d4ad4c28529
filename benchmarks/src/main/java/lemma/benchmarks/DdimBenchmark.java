package lemma.benchmarks;

import static lemma.benchmarks.Agreement.check;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.tensor.Tensor;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.scheduler.Ddim;
import lemma.diffusion.scheduler.DdimKernel;
import lemma.diffusion.scheduler.DdimNd4j;
import lemma.diffusion.scheduler.NoiseSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// One DDIM step of a 4 × 128 × 128 latent (an image of 1024 × 1024), in every form.
///
/// `copy` moves as many bytes as a step must, and computes nothing: no step can be faster.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class DdimBenchmark {
  private static final int SIZE = 4 * 128 * 128;
  private static final int FROM = 600;
  private static final int TO = 500;

  private final NoiseSchedule schedule = NoiseSchedule.stableDiffusion();
  private final Ddim ddim = new Ddim(schedule);
  private final Ddim.Weights weights = ddim.weights(FROM, TO);
  private final DdimNd4j nd4j = new DdimNd4j(schedule.alphaBar(FROM), schedule.alphaBar(TO));
  private final DdimKernel scalar = new DdimKernel.Scalar();
  private final DdimKernel vectorised = new DdimKernel.Vectorised();
  private final float[] x = new float[SIZE];
  private final float[] output = new float[SIZE];
  private final float[] y = new float[SIZE];
  private final float[] other = new float[SIZE];
  private Tensor xTensor;
  private Tensor outputTensor;
  private INDArray xNd4j;
  private INDArray outputNd4j;

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    double[] wideX = new double[SIZE];
    double[] wideOutput = new double[SIZE];
    for (int i = 0; i < SIZE; i++) {
      wideX[i] = x[i] = (float) random.nextGaussian();
      wideOutput[i] = output[i] = (float) random.nextGaussian();
    }
    xTensor = Tensor.of(wideX, 1, 4, 128, 128);
    outputTensor = Tensor.of(wideOutput, 1, 4, 128, 128);
    xNd4j = Nd4j.createFromArray(x);
    outputNd4j = Nd4j.createFromArray(output);
    double[] expected = formula().toArray();
    check("scalar", scalar(), expected, 1e-6);
    check("vectorised", vectorised(), expected, 1e-6);
    try (INDArray result = nd4j.step(xNd4j, outputNd4j)) {
      check("nd4j", result.data().asFloat(), expected, 1e-5);
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    xNd4j.close();
    outputNd4j.close();
  }

  @Benchmark
  public float[] copy() {
    System.arraycopy(x, 0, y, 0, SIZE);
    System.arraycopy(output, 0, other, 0, SIZE);
    return y;
  }

  @Benchmark
  public Tensor formula() {
    return ddim.step(outputTensor, xTensor, FROM, TO, NoiseSource.none());
  }

  @Benchmark
  public float[] scalar() {
    scalar.step(x, output, weights, y);
    return y;
  }

  @Benchmark
  public float[] vectorised() {
    vectorised.step(x, output, weights, y);
    return y;
  }

  @Benchmark
  public void nd4j() {
    nd4j.step(xNd4j, outputNd4j).close();
  }
}
