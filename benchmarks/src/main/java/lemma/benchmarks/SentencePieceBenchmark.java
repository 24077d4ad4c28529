package lemma.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.tokenizer.Segment;
import lemma.core.tokenizer.SentencePiece;
import lemma.core.tokenizer.SentencePieceBpe;
import lemma.core.tokenizer.SentencePieceBpeTraining;
import lemma.core.tokenizer.Unigram;
import lemma.core.tokenizer.UnigramLattice;
import lemma.core.tokenizer.UnigramTraining;
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

/// Splitting a text of `characters` without cutting it into words first, with 500 pieces learned from
/// words like its own: the best path alone, the best path of a lattice, a sample, and BPE by score.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx1g"})
public class SentencePieceBenchmark {
  private static final int PIECES = 500;
  private static final int LETTERS = 26;

  @Param({"16", "256", "4096", "65536"})
  int characters;

  private final RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
  private Unigram unigram;
  private SentencePieceBpe bpe;
  private String text;

  @Setup
  public void setup() {
    Map<String, Long> words = new TreeMap<>();
    for (int i = 0; i < 3000; i++) words.merge(word(), 1L, Long::sum);
    unigram =
        new Unigram(vocabulary(UnigramTraining.ofSize(PIECES).learn(words)), Unigram.Sums.FLOAT64);
    bpe = new SentencePieceBpe(vocabulary(new SentencePieceBpeTraining(PIECES).learn(words)));
    var joined = new StringBuilder();
    while (joined.length() < characters) joined.append(word());
    text = joined.substring(0, characters);
    double best = unigram.lattice(text).best(1).getFirst().score();
    double viterbi = 0;
    for (Segment each : viterbi()) viterbi += unigram.pieces().get(each.id()).score();
    if (Math.abs(best - viterbi) > 1e-9 * Math.abs(best))
      throw new IllegalStateException("Viterbi finds %s, the lattice %s".formatted(viterbi, best));
  }

  private static List<SentencePiece> vocabulary(List<SentencePiece> learned) {
    List<SentencePiece> pieces = new ArrayList<>(learned);
    pieces.add(new SentencePiece("<unk>", 0, SentencePiece.Type.UNKNOWN));
    return pieces;
  }

  /// Letters with frequencies as in a language: the first ones often.
  private String word() {
    var word = new StringBuilder().append(SentencePiece.SPACE);
    for (int i = random.nextInt(2, 10); i > 0; i--)
      word.append((char) ('a' + (int) (LETTERS * Math.pow(random.nextDouble(), 2.5))));
    return word.toString();
  }

  @Benchmark
  public List<Segment> viterbi() {
    return unigram.encode(text);
  }

  @Benchmark
  public List<Segment> lattice() {
    return unigram.lattice(text).best(1).getFirst().segments();
  }

  @Benchmark
  public UnigramLattice.Path sample() {
    return unigram.lattice(text).sample(0.5, random);
  }

  @Benchmark
  public List<Segment> bpe() {
    return bpe.encode(text);
  }
}
