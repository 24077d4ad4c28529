package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.attention.AttentionKernel;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.FlashAttention;
import lemma.core.attention.GroupedQuery;
import lemma.core.attention.KeyValues;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.attention.ScaledDotProductNd4j;
import lemma.core.attention.VectorisedAttentionKernel;
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

/// One causal head of 64 channels over a whole text: with all scores written out (`naive`, `scalar` a
/// row at a time, `nd4j`), and tile by tile (`tiled` in double, `vectorised` on floats).
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class FlashAttentionBenchmark {
  private static final int HEAD_DIM = 64;

  @Param({"256", "1024", "2048"})
  int tokens;

  private final ScaledDotProduct attention = ScaledDotProduct.of(HEAD_DIM);
  private final GroupedQuery layer = new GroupedQuery(1, 1, attention);
  private final FlashAttention flash = new FlashAttention(attention, 64, 64);
  private final AttentionMask.Interval causal = new AttentionMask.Causal();
  private final AttentionKernel scalar = new AttentionKernel.Scalar();
  private final AttentionKernel vectorised = new VectorisedAttentionKernel();
  private final ScaledDotProductNd4j nd4j = new ScaledDotProductNd4j(attention.scale());
  private float[] q;
  private float[] output;
  private KeyValues past;
  private Tensor qTensor;
  private Tensor kTensor;
  private Tensor vTensor;
  private Tensor hidden;
  private INDArray qNd4j;
  private INDArray kNd4j;
  private INDArray vNd4j;
  private INDArray hiddenNd4j;

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    qTensor = Tensor.gaussian(random, tokens, HEAD_DIM);
    kTensor = Tensor.gaussian(random, tokens, HEAD_DIM);
    vTensor = Tensor.gaussian(random, tokens, HEAD_DIM);
    hidden = causal.hidden(tokens, tokens, 0);
    q = narrow(qTensor);
    output = new float[q.length];
    past = new KeyValues.Arrays(narrow(kTensor), narrow(vTensor), 1, tokens, HEAD_DIM);
    qNd4j = nd4j(qTensor);
    kNd4j = nd4j(kTensor);
    vNd4j = nd4j(vTensor);
    hiddenNd4j = nd4j(hidden);

    double[] expected = naive().toArray();
    Agreement.check("tiled", narrow(tiled()), expected, 1e-5);
    Agreement.check("scalar", scalar(), expected, 1e-5);
    Agreement.check("vectorised", vectorised(), expected, 1e-5);
    try (INDArray result = nd4j.apply(qNd4j, kNd4j, vNd4j, hiddenNd4j)) {
      Agreement.check("nd4j", result.dup('c').data().asFloat(), expected, 1e-5);
    }
  }

  private static float[] narrow(Tensor values) {
    float[] result = new float[values.count()];
    for (int i = 0; i < result.length; i++) result[i] = (float) values.data()[i];
    return result;
  }

  private static INDArray nd4j(Tensor matrix) {
    return Nd4j.create(narrow(matrix), new int[] {1, matrix.size(0), matrix.size(1)}, 'c');
  }

  @TearDown(Level.Trial)
  public void close() {
    qNd4j.close();
    kNd4j.close();
    vNd4j.close();
    hiddenNd4j.close();
  }

  @Benchmark
  public Tensor naive() {
    return attention.apply(qTensor, kTensor, vTensor, hidden).output();
  }

  @Benchmark
  public Tensor tiled() {
    return flash.apply(qTensor, kTensor, vTensor, causal).output();
  }

  @Benchmark
  public float[] scalar() {
    scalar.apply(layer, causal, q, tokens, past, output);
    return output;
  }

  @Benchmark
  public float[] vectorised() {
    vectorised.apply(layer, causal, q, tokens, past, output);
    return output;
  }

  @Benchmark
  public void nd4j() {
    nd4j.apply(qNd4j, kNd4j, vNd4j, hiddenNd4j).close();
  }
}
