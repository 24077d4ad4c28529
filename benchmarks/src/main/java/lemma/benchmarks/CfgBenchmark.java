package lemma.benchmarks;

import static lemma.benchmarks.Agreement.check;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.tensor.Tensor;
import lemma.diffusion.guidance.ClassifierFreeGuidance;
import lemma.diffusion.guidance.GuidanceKernel;
import lemma.diffusion.guidance.GuidanceNd4j;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.scheduler.Ddim;
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

/// Guidance and the DDIM step after it on a 4 × 128 × 128 latent, in every form.
///
/// `copy` copies the three inputs and computes nothing.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class CfgBenchmark {
  private static final int SIZE = 4 * 128 * 128;
  private static final int FROM = 600;
  private static final int TO = 500;
  private static final double SCALE = 7.5;

  private final NoiseSchedule schedule = NoiseSchedule.stableDiffusion();
  private final Ddim ddim = new Ddim(schedule);
  private final Ddim.Weights weights = ddim.weights(FROM, TO);
  private final ClassifierFreeGuidance guidance = new ClassifierFreeGuidance(SCALE);
  private final GuidanceNd4j nd4j =
      new GuidanceNd4j(SCALE, new DdimNd4j(schedule.alphaBar(FROM), schedule.alphaBar(TO)));
  private final GuidanceKernel scalar = new GuidanceKernel.Scalar();
  private final GuidanceKernel vectorised = new GuidanceKernel.Vectorised();
  private final float[][] inputs = new float[3][SIZE]; // x, conditional, unconditional
  private final float[][] copies = new float[3][SIZE];
  private final float[] y = new float[SIZE];
  private final Tensor[] tensors = new Tensor[3];
  private final INDArray[] arrays = new INDArray[3];

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    for (int input = 0; input < 3; input++) {
      double[] wide = new double[SIZE];
      for (int i = 0; i < SIZE; i++) wide[i] = inputs[input][i] = (float) random.nextGaussian();
      tensors[input] = Tensor.of(wide, 1, 4, 128, 128);
      arrays[input] = Nd4j.createFromArray(inputs[input]);
    }
    double[] expected = formula().toArray();
    check("scalar", scalar(), expected, 1e-6);
    check("vectorised", vectorised(), expected, 1e-6);
    try (INDArray result = nd4j.step(arrays[0], arrays[1], arrays[2])) {
      check("nd4j", result.data().asFloat(), expected, 1e-5);
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    for (INDArray array : arrays) array.close();
  }

  @Benchmark
  public float[][] copy() {
    for (int input = 0; input < 3; input++)
      System.arraycopy(inputs[input], 0, copies[input], 0, SIZE);
    return copies;
  }

  @Benchmark
  public Tensor formula() {
    Tensor guided = guidance.combine(tensors[1], tensors[2]);
    return ddim.step(guided, tensors[0], FROM, TO, NoiseSource.none());
  }

  @Benchmark
  public float[] scalar() {
    scalar.step(inputs[0], inputs[1], inputs[2], SCALE, weights, y);
    return y;
  }

  @Benchmark
  public float[] vectorised() {
    vectorised.step(inputs[0], inputs[1], inputs[2], SCALE, weights, y);
    return y;
  }

  @Benchmark
  public void nd4j() {
    nd4j.step(arrays[0], arrays[1], arrays[2]).close();
  }
}
