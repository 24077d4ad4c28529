package lemma.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.sampling.constrain.Constraint;
import lemma.sampling.constrain.ConstraintRun;
import lemma.sampling.constrain.TokenMask;
import lemma.sampling.constrain.TokenTrie;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.SamplingKernel;
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

/// What a JSON schema adds to a sampling step, once its masks are known and the first time, over
/// vocabularies of made-up words: inside a string, where nearly every token is allowed, and in
/// front of a property, where a few are.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
public class ConstrainedDecodingBenchmark {
  private static final String SCHEMA =
      """
      {"type": "object",
       "properties": {
         "title": {"type": "string"},
         "year": {"type": "integer", "minimum": 1900, "maximum": 2100},
         "tags": {"type": "array", "items": {"type": "string"}}},
       "required": ["title", "year"]}
      """;

  @Param({"32768", "128256", "152064"})
  int vocabulary;

  private final RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(2);
  private final Candidates scratch = new Candidates();
  private final SamplingKernel usual = new SamplingKernel(0.8, 50, 0.9, 0);
  private final Constraint constraint = Constraint.jsonSchema(SCHEMA);
  private TokenTrie trie;
  private float[] logits;
  private float[] masked;
  private ConstraintRun inString;
  private ConstraintRun atName;
  private int letter;

  @Setup
  public void setup() {
    logits = PeakedLogits.of(vocabulary);
    masked = logits.clone();
    byte[][] tokens = words();
    trie = TokenTrie.of(vocabulary, token -> tokens[token]);
    letter = 'e';
    atName = after("{");
    inString = after("{\"title\":\"a");
    check("string", inString.allowed(), vocabulary / 2, vocabulary);
    check("name", atName.allowed(), 1, 20);
  }

  private ConstraintRun after(String text) {
    ConstraintRun run = ConstraintRun.of(constraint, trie, Set.of(vocabulary - 1));
    for (byte b : text.getBytes(UTF_8)) run = run.accept(b & 0xFF);
    return run;
  }

  private static void check(String place, TokenMask mask, int least, int most) {
    if (mask.count() < least || mask.count() > most)
      throw new IllegalStateException(place + ": " + mask.count() + " tokens are allowed");
  }

  /// The 256 bytes, then different words of one to ten letters, most with a space in front, some
  /// with punctuation.
  private byte[][] words() {
    String letters = "eeeeeettttaaaooinnsshhrrddlluucmfwypvbgkjqxz";
    String signs = "\"{}[]:,.0123456789-\\";
    Set<String> known = new HashSet<>();
    byte[][] words = new byte[vocabulary][];
    for (int token = 0; token < vocabulary; token++) {
      if (token < 256) {
        words[token] = new byte[] {(byte) token};
        continue;
      }
      var word = new StringBuilder();
      do {
        word.setLength(0);
        if (random.nextInt(3) > 0) word.append(' ');
        boolean punctuated = random.nextInt(10) == 0;
        for (int length = 1 + random.nextInt(10); length > 0; length--) {
          String from = punctuated && random.nextInt(2) == 0 ? signs : letters;
          word.append(from.charAt(random.nextInt(from.length())));
        }
      } while (word.length() < 2 || !known.add(word.toString()));
      words[token] = word.toString().getBytes(UTF_8);
    }
    return words;
  }

  /// T = 0.8 → top-k 50 → top-p 0.9 → draw, without a constraint.
  @Benchmark
  public int step() {
    return usual.draw(logits, scratch, random);
  }

  /// The same step inside a string: mask, draw, accept.
  @Benchmark
  public ConstraintRun stepInString() {
    inString.allowed().draw(masked, usual, scratch, random);
    return inString.accept(letter);
  }

  /// The same step in front of a property's name.
  @Benchmark
  public ConstraintRun stepAtName() {
    atName.allowed().draw(logits, usual, scratch, random);
    return atName.accept('"');
  }

  /// The mask alone, written into all logits, inside a string.
  @Benchmark
  public float[] applyInString() {
    inString.allowed().apply(masked);
    return masked;
  }

  /// A mask that nothing is known of yet: automaton and tokens are walked together.
  @Benchmark
  public TokenMask firstMask() {
    return after("{\"title\":\"a").allowed();
  }
}
