package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.activation.Activation;
import lemma.core.feedforward.SwiGluNd4j;
import lemma.core.kernel.SwiGluKernel;
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

/// The gate of SwiGLU for one token at the widths of real models, in every form.
///
/// The kernels gate in place: each call first copies the gate to where it may be overwritten, and
/// that copy is timed with it.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class GluFfnBenchmark {

  /// TinyLlama 1.1B, Llama 7B, Llama 70B.
  @Param({"5632", "11008", "28672"})
  int width;

  private float[] gate;
  private float[] up;
  private float[] y;
  private Tensor gateTensor;
  private Tensor upTensor;
  private INDArray gateNd4j;
  private INDArray upNd4j;
  private final Activation silu = Activation.Swish.SILU;
  private final SwiGluKernel scalar = new SwiGluKernel.Scalar();
  private final SwiGluKernel vectorised = new SwiGluKernel.Vectorised();
  private final SwiGluNd4j nd4j = new SwiGluNd4j();

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    gate = new float[width];
    up = new float[width];
    y = new float[width];
    double[] wideGate = new double[width];
    double[] wideUp = new double[width];
    for (int i = 0; i < width; i++) {
      wideGate[i] = gate[i] = (float) random.nextGaussian();
      wideUp[i] = up[i] = (float) random.nextGaussian();
    }
    gateTensor = Tensor.vector(wideGate);
    upTensor = Tensor.vector(wideUp);
    gateNd4j = Nd4j.createFromArray(gate);
    upNd4j = Nd4j.createFromArray(up);
    double[] expected = formula().toArray();
    Agreement.check("scalar", scalar(), expected, 1e-5);
    Agreement.check("vectorised", vectorised(), expected, 1e-5);
    try (INDArray result = nd4j.apply(gateNd4j, upNd4j)) {
      Agreement.check("nd4j", result.data().asFloat(), expected, 1e-5);
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    gateNd4j.close();
    upNd4j.close();
  }

  @Benchmark
  public Tensor formula() {
    return silu.apply(gateTensor).mul(upTensor);
  }

  @Benchmark
  public float[] scalar() {
    return apply(scalar);
  }

  @Benchmark
  public float[] vectorised() {
    return apply(vectorised);
  }

  @Benchmark
  public void nd4j() {
    nd4j.apply(gateNd4j, upNd4j).close();
  }

  private float[] apply(SwiGluKernel kernel) {
    System.arraycopy(gate, 0, y, 0, width);
    kernel.apply(y, up, 0, width);
    return y;
  }
}
