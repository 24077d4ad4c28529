package lemma.benchmarks;

import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.format.FloatFormat;
import lemma.core.model.LanguageModel;
import lemma.core.model.Llama;
import lemma.core.model.LlamaConfig;
import lemma.core.model.LlamaDecoder;
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

/// One more token behind a text of 128, in the forms of the decoder; the weights are random.
///
/// `hiddenSize` 256 with 4 layers has 4.6 million parameters, 768 with 12 layers has 120 million.
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx4g"})
public class DecoderModelsBenchmark {
  private static final int TEXT = 128;

  @Param({"256", "768"})
  int hiddenSize;

  private LlamaDecoder oneThread;
  private LlamaDecoder allThreads;
  private LlamaDecoder halfPrecision;
  private LanguageModel.Session formulaSession;
  private LanguageModel.Session oneThreadSession;
  private LanguageModel.Session allThreadsSession;
  private LanguageModel.Session halfPrecisionSession;
  private int[] text;

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    LlamaConfig config =
        hiddenSize == 256
            ? LlamaConfig.small(4096, 256, 768, 4, 8, 4, 512)
            : LlamaConfig.small(32000, 768, 2304, 12, 12, 4, 512);
    Llama formula = Llama.initialise(config, random);
    int processors = Runtime.getRuntime().availableProcessors();
    oneThread = LlamaDecoder.of(formula, FloatFormat.F32, 1);
    allThreads = LlamaDecoder.of(formula, FloatFormat.F32, processors);
    halfPrecision = LlamaDecoder.of(formula, FloatFormat.BF16, processors);
    text = random.ints(TEXT, 0, config.vocabularySize()).toArray();
    formulaSession = formula.open();
    oneThreadSession = oneThread.open();
    allThreadsSession = allThreads.open();
    halfPrecisionSession = halfPrecision.open();
    double[] expected = wide(formulaSession.append(text));
    Agreement.check("oneThread", oneThreadSession.append(text), expected, 1e-4);
    Agreement.check("allThreads", allThreadsSession.append(text), expected, 1e-4);
    Agreement.check("halfPrecision", halfPrecisionSession.append(text), expected, 5e-2);
  }

  private static double[] wide(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) wide[i] = values[i];
    return wide;
  }

  @TearDown(Level.Trial)
  public void close() {
    oneThread.close();
    allThreads.close();
    halfPrecision.close();
  }

  private static float[] oneMore(LanguageModel.Session session) {
    session.rewind(TEXT);
    return session.append(7);
  }

  /// Float64 on tensors, keys and values kept.
  @Benchmark
  public float[] formula() {
    return oneMore(formulaSession);
  }

  /// Float32 weights, one thread.
  @Benchmark
  public float[] oneThread() {
    return oneMore(oneThreadSession);
  }

  /// Float32 weights, all processors.
  @Benchmark
  public float[] allThreads() {
    return oneMore(allThreadsSession);
  }

  /// Bfloat16 weights, all processors: half the bytes.
  @Benchmark
  public float[] halfPrecision() {
    return oneMore(halfPrecisionSession);
  }

  /// The whole text at once, float32, all processors: texts a second, 128 tokens each.
  @Benchmark
  public float[] prompt() {
    allThreadsSession.rewind(0);
    return allThreadsSession.append(text);
  }
}
