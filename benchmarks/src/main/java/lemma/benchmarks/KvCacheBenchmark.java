package lemma.benchmarks;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.attention.AttentionKernel;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.GroupedQuery;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.attention.VectorisedAttentionKernel;
import lemma.core.cache.ContiguousKvCache;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// The next token of one attention layer (8 heads of 64) as the text grows: with a cache, the key and
/// value of one token are projected and one query attends; without, all tokens are.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class KvCacheBenchmark {
  private static final int HEADS = 8;
  private static final int HEAD_DIM = 64;
  private static final int DIM = HEADS * HEAD_DIM;

  @Param({"64", "256", "1024"})
  int context;

  private final GroupedQuery layer = new GroupedQuery(HEADS, HEADS, ScaledDotProduct.of(HEAD_DIM));
  private final AttentionMask.Interval causal = new AttentionMask.Causal();
  private final AttentionKernel kernel = new VectorisedAttentionKernel();
  private float[] weight; // of queries, keys and values, [3, dim in, dim out]
  private float[] tokens; // [context, dim]
  private float[] q;
  private float[] k;
  private float[] v;
  private float[] output;
  private ContiguousKvCache past; // all tokens but the last
  private ContiguousKvCache empty;

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    weight = gaussian(3 * DIM * DIM, random);
    tokens = gaussian(context * DIM, random);
    q = new float[context * DIM];
    k = new float[context * DIM];
    v = new float[context * DIM];
    output = new float[context * DIM];
    past = new ContiguousKvCache(HEADS, HEAD_DIM, context);
    empty = new ContiguousKvCache(HEADS, HEAD_DIM, context);
    float[] last = new float[DIM];
    System.arraycopy(withoutCache(), (context - 1) * DIM, last, 0, DIM);
    project(0, context - 1);
    past.append(k, v, context - 1);
    double[] expected = new double[DIM];
    for (int i = 0; i < DIM; i++) expected[i] = last[i];
    float[] first = new float[DIM];
    System.arraycopy(withCache(), 0, first, 0, DIM);
    Agreement.check("with a cache", first, expected, 1e-5);
  }

  private static float[] gaussian(int count, RandomGenerator random) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) values[i] = (float) random.nextGaussian() / 16;
    return values;
  }

  /// Queries, keys and values of tokens `from` to `to`, written from row 0 on.
  private void project(int from, int to) {
    for (int t = from; t < to; t++) {
      multiply(0, t, q, t - from);
      multiply(1, t, k, t - from);
      multiply(2, t, v, t - from);
    }
  }

  /// Row by row of the weights, so that the compiler puts the inner loop on lanes.
  private void multiply(int part, int token, float[] y, int row) {
    int to = row * DIM;
    Arrays.fill(y, to, to + DIM, 0);
    for (int j = 0; j < DIM; j++) {
      float x = tokens[token * DIM + j];
      int w = (part * DIM + j) * DIM;
      for (int i = 0; i < DIM; i++) y[to + i] += x * weight[w + i];
    }
  }

  @Benchmark
  public float[] withCache() {
    project(context - 1, context);
    past.append(k, v, 1);
    kernel.apply(layer, causal, q, 1, past, output);
    past.rewind(context - 1);
    return output;
  }

  @Benchmark
  public float[] withoutCache() {
    project(0, context);
    empty.append(k, v, context);
    kernel.apply(layer, causal, q, context, empty, output);
    empty.rewind(0);
    return output;
  }
}
