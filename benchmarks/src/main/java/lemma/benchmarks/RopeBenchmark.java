package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.position.Rope;
import lemma.core.position.RopeKernel;
import lemma.core.position.RopeNd4j;
import lemma.core.position.RopeScaling;
import lemma.core.position.RopeTable;
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

/// The 32 query heads of one token of a 7B model, rotated in every form and both layouts.
///
/// Kernels and ND4J read cosines from a table; the formula computes them, as it always does.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class RopeBenchmark {
  private static final int HEADS = 32;
  private static final int HEAD_DIM = 128;
  private static final int POSITION = 777;

  @Param({"HALVES", "INTERLEAVED"})
  Rope.Layout layout;

  private Rope rope;
  private RopeTable table;
  private float[] x;
  private Tensor heads;
  private INDArray headsNd4j;
  private INDArray cosNd4j;
  private INDArray sinNd4j;
  private RopeNd4j nd4j;
  private final RopeKernel scalar = new RopeKernel.Scalar();
  private final RopeKernel vectorised = new RopeKernel.Vectorised();

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    rope = new Rope(HEAD_DIM, HEAD_DIM, 10_000, layout, new RopeScaling.None());
    table = RopeTable.of(rope, POSITION + 1);
    double[] wide = new double[HEADS * HEAD_DIM];
    float[] start = new float[wide.length];
    for (int i = 0; i < wide.length; i++) wide[i] = start[i] = (float) random.nextGaussian();
    heads = Tensor.of(wide, HEADS, 1, HEAD_DIM);
    headsNd4j = Nd4j.create(start, new int[] {HEADS, HEAD_DIM}, 'c');
    double[] frequencies = rope.frequencies();
    float[][] cos = new float[HEADS][frequencies.length];
    float[][] sin = new float[HEADS][frequencies.length];
    for (int h = 0; h < HEADS; h++)
      for (int i = 0; i < frequencies.length; i++) {
        cos[h][i] = (float) Math.cos(POSITION * frequencies[i]);
        sin[h][i] = (float) Math.sin(POSITION * frequencies[i]);
      }
    cosNd4j = Nd4j.create(cos);
    sinNd4j = Nd4j.create(sin);
    nd4j = new RopeNd4j(rope);
    double[] expected = formula().toArray();
    x = start.clone();
    Agreement.check("scalar", scalar(), expected, 1e-6);
    x = start.clone();
    Agreement.check("vectorised", vectorised(), expected, 1e-6);
    try (INDArray y = nd4j.apply(headsNd4j, cosNd4j, sinNd4j)) {
      Agreement.check("nd4j", y.data().asFloat(), expected, 1e-6);
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    headsNd4j.close();
    cosNd4j.close();
    sinNd4j.close();
  }

  @Benchmark
  public Tensor formula() {
    return rope.apply(heads, POSITION);
  }

  /// In place, again and again: a rotation keeps the length, so the numbers stay ordinary.
  @Benchmark
  public float[] scalar() {
    scalar.rotate(table, x, 0, HEADS, POSITION);
    return x;
  }

  @Benchmark
  public float[] vectorised() {
    vectorised.rotate(table, x, 0, HEADS, POSITION);
    return x;
  }

  @Benchmark
  public void nd4j() {
    nd4j.apply(headsNd4j, cosNd4j, sinNd4j).close();
  }
}
