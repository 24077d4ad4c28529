package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.attention.AttentionKernel;
import lemma.core.attention.AttentionMask;
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

/// Attention of one layer of Llama-3-8B (32 heads of 128 over 8 of keys and values), on one thread:
/// a token of decoding over 2048 cached tokens, and a causal prefill of 256.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class ScaledDotProductBenchmark {
  private static final int HEADS = 32;
  private static final int KEY_VALUE_HEADS = 8;
  private static final int HEAD_DIM = 128;

  /// What is computed: queries over keys.
  public enum Work {
    DECODE(1, 2048),
    PREFILL(256, 256);

    final int queries;
    final int keys;

    Work(int queries, int keys) {
      this.queries = queries;
      this.keys = keys;
    }
  }

  @Param Work work;

  private final GroupedQuery layer =
      new GroupedQuery(HEADS, KEY_VALUE_HEADS, ScaledDotProduct.of(HEAD_DIM));
  private final AttentionMask.Interval causal = new AttentionMask.Causal();
  private final AttentionKernel scalar = new AttentionKernel.Scalar();
  private final AttentionKernel vectorised = new VectorisedAttentionKernel();
  private final ScaledDotProductNd4j nd4j = new ScaledDotProductNd4j(layer.attention().scale());
  private float[] q; // [queries, heads, headDim]
  private float[] output;
  private KeyValues past;
  private Tensor qTensor;
  private Tensor kTensor;
  private Tensor vTensor;
  private INDArray qNd4j;
  private INDArray kNd4j;
  private INDArray vNd4j;
  private INDArray hiddenNd4j;

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    float[] heads = gaussian(HEADS * work.queries * HEAD_DIM, random); // [heads, queries, headDim]
    float[] k = gaussian(KEY_VALUE_HEADS * work.keys * HEAD_DIM, random);
    float[] v = gaussian(KEY_VALUE_HEADS * work.keys * HEAD_DIM, random);
    past = new KeyValues.Arrays(k, v, KEY_VALUE_HEADS, work.keys, HEAD_DIM);
    qTensor = Tensor.of(wide(heads), HEADS, work.queries, HEAD_DIM);
    kTensor = Tensor.of(wide(k), KEY_VALUE_HEADS, work.keys, HEAD_DIM);
    vTensor = Tensor.of(wide(v), KEY_VALUE_HEADS, work.keys, HEAD_DIM);
    q = narrow(qTensor.transpose(0, 1).toArray());
    output = new float[q.length];

    int rows = layer.groupSize() * work.queries;
    int[] shape = {KEY_VALUE_HEADS, work.keys, HEAD_DIM};
    qNd4j = Nd4j.create(heads, new int[] {KEY_VALUE_HEADS, rows, HEAD_DIM}, 'c');
    kNd4j = Nd4j.create(k, shape, 'c');
    vNd4j = Nd4j.create(v, shape, 'c');
    double[] hidden = causal.hidden(work.queries, work.keys, work.keys - work.queries).toArray();
    float[] tiled = new float[KEY_VALUE_HEADS * rows * work.keys];
    for (int i = 0; i < tiled.length; i++) tiled[i] = (float) hidden[i % hidden.length];
    hiddenNd4j = Nd4j.create(tiled, new int[] {KEY_VALUE_HEADS, rows, work.keys}, 'c');

    Tensor formula = formula();
    double[] byToken = formula.transpose(0, 1).toArray();
    Agreement.check("scalar", scalar(), byToken, 1e-5);
    Agreement.check("vectorised", vectorised(), byToken, 1e-5);
    try (INDArray result = nd4j.apply(qNd4j, kNd4j, vNd4j, hiddenNd4j)) {
      Agreement.check("nd4j", result.dup('c').data().asFloat(), formula.toArray(), 1e-5);
    }
  }

  private static float[] gaussian(int count, RandomGenerator random) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) values[i] = (float) random.nextGaussian();
    return values;
  }

  private static double[] wide(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) result[i] = values[i];
    return result;
  }

  private static float[] narrow(double[] values) {
    float[] result = new float[values.length];
    for (int i = 0; i < values.length; i++) result[i] = (float) values[i];
    return result;
  }

  @TearDown(Level.Trial)
  public void close() {
    qNd4j.close();
    kNd4j.close();
    vNd4j.close();
    hiddenNd4j.close();
  }

  @Benchmark
  public Tensor formula() {
    return layer.apply(qTensor, kTensor, vTensor, causal);
  }

  @Benchmark
  public float[] scalar() {
    scalar.apply(layer, causal, q, work.queries, past, output);
    return output;
  }

  @Benchmark
  public float[] vectorised() {
    vectorised.apply(layer, causal, q, work.queries, past, output);
    return output;
  }

  @Benchmark
  public void nd4j() {
    nd4j.apply(qNd4j, kNd4j, vNd4j, hiddenNd4j).close();
  }
}
