package lemma.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.tokenizer.BpeMerges;
import lemma.core.tokenizer.BpeTraining;
import lemma.core.tokenizer.BpeTraining.Ties;
import lemma.core.tokenizer.BpeTraining.Word;
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

/// Merging one piece of `symbols` symbols, with 500 merges learned from pieces like it: a word, a long
/// word, a URL, a text without spaces.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx1g"})
public class BpeBenchmark {
  private static final int LETTERS = 26;

  @Param({"4", "16", "128", "2048"})
  int symbols;

  private BpeMerges merges;
  private int[] piece;

  @Setup
  public void setup() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    List<Word> words = new ArrayList<>();
    for (int i = 0; i < 3000; i++) words.add(new Word(letters(8, random), 1));
    List<String> alphabet = new ArrayList<>();
    for (char c = 'a'; c <= 'z'; c++) alphabet.add(String.valueOf(c));
    merges =
        new BpeMerges(
            new BpeTraining(500, 2, Ties.FIRST, true)
                .learn(words, alphabet).stream().map(BpeTraining.Learned::merge).toList());
    piece = letters(symbols, random);
    if (!Arrays.equals(heap(), search()))
      throw new IllegalStateException("the heap and the search disagree");
  }

  /// Letters with frequencies as in a language: the first ones often.
  private static int[] letters(int count, RandomGenerator random) {
    int[] letters = new int[count];
    for (int i = 0; i < count; i++)
      letters[i] = (int) (LETTERS * Math.pow(random.nextDouble(), 2.5));
    return letters;
  }

  @Benchmark
  public int[] search() {
    return merges.search(piece);
  }

  @Benchmark
  public int[] heap() {
    return merges.apply(piece);
  }
}
