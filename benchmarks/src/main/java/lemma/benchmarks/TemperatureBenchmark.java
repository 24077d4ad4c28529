package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import lemma.sampling.filter.LogitScan;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.Temperature;
import lemma.sampling.filter.TemperatureNd4j;
import lemma.sampling.filter.VectorisedLogitScan;
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

/// softmax(x / 0.7) over a whole vocabulary of [PeakedLogits], in every form.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class TemperatureBenchmark {
  private static final double TEMPERATURE = 0.7;

  @Param({"32768", "128256", "152064"})
  int vocabulary;

  private float[] logits;
  private double[] wide;
  private float[] probabilities;
  private INDArray array;

  @Setup
  public void setup() {
    logits = PeakedLogits.of(vocabulary);
    wide = PeakedLogits.wide(logits);
    probabilities = new float[vocabulary];
    array = Nd4j.create(logits);
    double[] expected = formula();
    Agreement.check("scalar", scalar(), expected, 1e-5);
    Agreement.check("vectorised", vectorised(), expected, 1e-5);
    try (INDArray result = new TemperatureNd4j(TEMPERATURE).apply(array)) {
      Agreement.check("nd4j", result.data().asFloat(), expected, 1e-4);
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    array.close();
  }

  @Benchmark
  public double[] formula() {
    return Logits.softmax(new Temperature(TEMPERATURE).process(new int[0], wide));
  }

  @Benchmark
  public float[] scalar() {
    new LogitScan.Scalar().softmax(logits, TEMPERATURE, probabilities);
    return probabilities;
  }

  @Benchmark
  public float[] vectorised() {
    new VectorisedLogitScan().softmax(logits, TEMPERATURE, probabilities);
    return probabilities;
  }

  @Benchmark
  public void nd4j() {
    new TemperatureNd4j(TEMPERATURE).apply(array).close();
  }
}
