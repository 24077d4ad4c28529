package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.attention.AttentionKernel;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.GroupedQuery;
import lemma.core.attention.KeyValues;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.attention.VectorisedAttentionKernel;
import lemma.core.tensor.Tensor;
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

/// One token of 32 heads of 128 over 2048 cached tokens, on one thread, as the key/value heads fall
/// from 32 (multi-head) to 1 (multi-query).
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class GroupedQueryBenchmark {
  private static final int HEADS = 32;
  private static final int HEAD_DIM = 128;
  private static final int CONTEXT = 2048;

  @Param({"32", "8", "4", "1"})
  int keyValueHeads;

  private final AttentionMask.Interval causal = new AttentionMask.Causal();
  private final AttentionKernel scalar = new AttentionKernel.Scalar();
  private final AttentionKernel vectorised = new VectorisedAttentionKernel();
  private GroupedQuery layer;
  private float[] q;
  private float[] output;
  private KeyValues past;

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    layer = new GroupedQuery(HEADS, keyValueHeads, ScaledDotProduct.of(HEAD_DIM));
    q = gaussian(HEADS * HEAD_DIM, random);
    float[] k = gaussian(keyValueHeads * CONTEXT * HEAD_DIM, random);
    float[] v = gaussian(keyValueHeads * CONTEXT * HEAD_DIM, random);
    past = new KeyValues.Arrays(k, v, keyValueHeads, CONTEXT, HEAD_DIM);
    output = new float[q.length];
    double[] expected =
        layer
            .apply(
                wide(q, HEADS, 1),
                wide(k, keyValueHeads, CONTEXT),
                wide(v, keyValueHeads, CONTEXT),
                causal)
            .toArray();
    Agreement.check("scalar", scalar(), expected, 1e-5);
    Agreement.check("vectorised", vectorised(), expected, 1e-5);
  }

  private static float[] gaussian(int count, RandomGenerator random) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) values[i] = (float) random.nextGaussian();
    return values;
  }

  private static Tensor wide(float[] values, int heads, int rows) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) result[i] = values[i];
    return Tensor.of(result, heads, rows, HEAD_DIM);
  }

  @Benchmark
  public float[] scalar() {
    scalar.apply(layer, causal, q, 1, past, output);
    return output;
  }

  @Benchmark
  public float[] vectorised() {
    vectorised.apply(layer, causal, q, 1, past, output);
    return output;
  }
}
