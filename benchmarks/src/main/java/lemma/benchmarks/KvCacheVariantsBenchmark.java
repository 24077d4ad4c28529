package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.attention.AttentionKernel;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.GroupedQuery;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.attention.VectorisedAttentionKernel;
import lemma.core.cache.ContiguousKvCache;
import lemma.core.cache.Int8KvCache;
import lemma.core.cache.KvCache;
import lemma.core.cache.PagePool;
import lemma.core.cache.PagedKvCache;
import lemma.core.cache.RingKvCache;
import lemma.core.cache.SinkWindow;
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

/// One token of 32 query heads of 128 over 2048 cached tokens, on one thread, with each cache: 16 MiB
/// of keys and values with 8 key/value heads, 64 MiB with 32.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class KvCacheVariantsBenchmark {
  private static final int HEADS = 32;
  private static final int HEAD_DIM = 128;
  private static final int CONTEXT = 2048;
  private static final int CHUNK = 256;

  @Param({"8", "32"})
  int keyValueHeads;

  private final AttentionKernel kernel = new VectorisedAttentionKernel();
  private final AttentionMask.Interval causal = new AttentionMask.Causal();
  private GroupedQuery layer;
  private float[] q;
  private float[] output;
  private KvCache contiguous;
  private KvCache pagesOf16;
  private KvCache pagesOf64;
  private KvCache int8;
  private RingKvCache ring;

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    layer = new GroupedQuery(HEADS, keyValueHeads, ScaledDotProduct.of(HEAD_DIM));
    q = gaussian(HEADS * HEAD_DIM, random);
    output = new float[q.length];
    contiguous = new ContiguousKvCache(keyValueHeads, HEAD_DIM, CONTEXT);
    pagesOf16 = paged(16);
    pagesOf64 = paged(64);
    int8 = new Int8KvCache(keyValueHeads, HEAD_DIM, CONTEXT);
    ring = new RingKvCache(keyValueHeads, HEAD_DIM, new SinkWindow(4, 512), CHUNK);
    KvCache[] caches = {contiguous, pagesOf16, pagesOf64, int8, ring};
    for (int t = 0; t < CONTEXT; t += CHUNK) {
      float[] keys = gaussian(CHUNK * keyValueHeads * HEAD_DIM, random);
      float[] values = gaussian(CHUNK * keyValueHeads * HEAD_DIM, random);
      for (KvCache cache : caches) cache.append(keys, values, CHUNK);
    }
    double[] expected = wide(contiguous());
    Agreement.check("pages of 16", pagesOf16(), expected, 1e-5);
    Agreement.check("pages of 64", pagesOf64(), expected, 0);
    Agreement.check("int8", int8(), expected, 0.1);
    kernel.apply(layer, ring.mask(), q, 1, contiguous, output);
    Agreement.check("ring", ring(), wide(output), 0);
  }

  private KvCache paged(int pageTokens) {
    return new PagedKvCache(
        new PagePool(keyValueHeads, HEAD_DIM, pageTokens, CONTEXT / pageTokens), CONTEXT);
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

  private float[] attend(KvCache cache, AttentionMask.Interval mask) {
    kernel.apply(layer, mask, q, 1, cache, output);
    return output;
  }

  @Benchmark
  public float[] contiguous() {
    return attend(contiguous, causal);
  }

  @Benchmark
  public float[] pagesOf16() {
    return attend(pagesOf16, causal);
  }

  @Benchmark
  public float[] pagesOf64() {
    return attend(pagesOf64, causal);
  }

  @Benchmark
  public float[] int8() {
    return attend(int8, causal);
  }

  /// Sees 4 sinks and 512 recent tokens only.
  @Benchmark
  public float[] ring() {
    return attend(ring, ring.mask());
  }
}
