package lemma.benchmarks;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.tokenizer.BpeMerges;
import lemma.core.tokenizer.BpeTraining;
import lemma.core.tokenizer.BpeTraining.Ties;
import lemma.core.tokenizer.BpeTraining.Word;
import lemma.core.tokenizer.Tiktoken;
import lemma.core.tokenizer.Tokenizer;
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

/// Byte-pair encoding at two sizes: merging one piece, and 5 MB of mixed text with the vocabularies of
/// GPT-2 and GPT-4, beside jtokkit, from whose jar the vocabularies are read.
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx1g"})
public class BpeBenchmark {
  private static final int LETTERS = 26;

  /// One piece of `symbols` symbols, with 500 merges learned from pieces like it: a word, a long word,
  /// a URL, a text without spaces.
  @State(Scope.Thread)
  public static class Piece {
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
      if (!Arrays.equals(merges.apply(piece), merges.search(piece)))
        throw new IllegalStateException("the ways to merge disagree");
    }

    /// Letters with frequencies as in a language: the first ones often.
    private static int[] letters(int count, RandomGenerator random) {
      int[] letters = new int[count];
      for (int i = 0; i < count; i++)
        letters[i] = (int) (LETTERS * Math.pow(random.nextDouble(), 2.5));
      return letters;
    }
  }

  /// 5 MB of English, Chinese and code.
  @State(Scope.Thread)
  public static class Text {
    private static final int SIZE = 5_000_000;

    @Param({"r50k_base", "cl100k_base"})
    String vocabulary;

    private Tokenizer tokenizer;
    private Encoding jtokkit;
    private String text;

    @Setup
    public void setup() throws IOException {
      EncodingType type = EncodingType.fromName(vocabulary).orElseThrow();
      jtokkit = Encodings.newLazyEncodingRegistry().getEncoding(type);
      tokenizer = tokenizer(Tiktoken.valueOf(vocabulary.toUpperCase(Locale.ROOT)));
      // the words of one vocabulary for both, so that they read the same text
      Tokenizer words = tokenizer(Tiktoken.CL100K_BASE);
      text = MixedText.of(words, SIZE, RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1));
      if (!Arrays.equals(tokenizer.encodeOrdinary(text), jtokkit.encodeOrdinary(text).toArray()))
        throw new IllegalStateException("the ids are not those of jtokkit");
    }

    private static Tokenizer tokenizer(Tiktoken kind) throws IOException {
      String name = kind.name().toLowerCase(Locale.ROOT) + ".tiktoken";
      Path file = Files.createTempFile("ranks", ".tiktoken");
      try (InputStream ranks =
          Encodings.class.getResourceAsStream("/com/knuddels/jtokkit/" + name)) {
        Files.copy(ranks, file, StandardCopyOption.REPLACE_EXISTING);
        return kind.read(file);
      } finally {
        Files.delete(file);
      }
    }
  }

  @Benchmark
  public int[] search(Piece piece) {
    return piece.merges.search(piece.piece);
  }

  @Benchmark
  public int[] merge(Piece piece) {
    return piece.merges.apply(piece.piece);
  }

  @Benchmark
  public int[] encode(Text text) {
    return text.tokenizer.encodeOrdinary(text.text);
  }

  @Benchmark
  public IntArrayList jtokkit(Text text) {
    return text.jtokkit.encodeOrdinary(text.text);
  }
}
