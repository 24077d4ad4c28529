package lemma.core.tokenizer;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import lemma.core.tokenizer.SentencePiece.Type;
import lemma.core.tokenizer.Unigram.Sums;
import lemma.core.tokenizer.UnigramTraining.MStep;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import org.apache.commons.math3.stat.inference.ChiSquareTest;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Proves("sentencepiece")
class UnigramTest {
  static final Path MODELS = Path.of("src/test/resources/golden/tokenizers/models");
  static final SentencePiece UNKNOWN = new SentencePiece("<unk>", 0, Type.UNKNOWN);

  static SentencePieceModel model(String name) throws IOException {
    return SentencePieceFile.read(MODELS.resolve(name));
  }

  static Unigram unigram() throws IOException {
    return (Unigram) model("tiny-unigram.model").model();
  }

  /// A model over short texts of a, b, c: two letters are pieces, c is unknown, others come and go.
  private static Unigram someUnigram(RandomGenerator random) {
    List<SentencePiece> pieces = new ArrayList<>(List.of(UNKNOWN));
    for (String text : List.of("a", "b", "aa", "ab", "ba", "bb", "aab", "aba", "bc", "abab"))
      if (text.length() == 1 || random.nextInt(3) > 0)
        pieces.add(SentencePiece.normal(text, -0.5 - 6 * random.nextDouble()));
    return new Unigram(pieces, Sums.FLOAT64);
  }

  static String someText(String letters, int longest, RandomGenerator random) {
    var text = new StringBuilder();
    for (int i = random.nextInt(longest) + 1; i > 0; i--)
      text.append(letters.charAt(random.nextInt(letters.length())));
    return text.toString();
  }

  /// One of all segmentations of a text, found by trying every split.
  private record Whole(List<String> pieces, double score) {}

  private static List<Whole> enumerated(Unigram model, String text) {
    Map<String, Double> scores = new HashMap<>();
    double least = 0;
    for (SentencePiece piece : model.pieces())
      if (piece.type() == Type.NORMAL) {
        scores.put(piece.text(), piece.score());
        least = Math.min(least, piece.score());
      }
    List<Whole> all = new ArrayList<>();
    enumerate(text, scores, least - 10, new ArrayList<>(), 0, all);
    all.sort(Comparator.comparingDouble(Whole::score).reversed());
    return all;
  }

  private static void enumerate(
      String rest,
      Map<String, Double> scores,
      double unknown,
      List<String> pieces,
      double score,
      List<Whole> all) {
    if (rest.isEmpty()) all.add(new Whole(List.copyOf(pieces), score));
    for (int end = 1; end <= rest.length(); end++) {
      Double known = scores.get(rest.substring(0, end));
      if (known == null && end > 1) continue;
      pieces.addLast(rest.substring(0, end));
      double next = score + (known == null ? unknown : known);
      enumerate(rest.substring(end), scores, unknown, pieces, next, all);
      pieces.removeLast();
    }
  }

  static List<String> texts(String text, List<Segment> segments) {
    return segments.stream().map(each -> text.substring(each.from(), each.to())).toList();
  }

  static double score(Unigram model, List<Segment> segments) {
    double unknown = Double.POSITIVE_INFINITY;
    for (SentencePiece piece : model.pieces())
      if (piece.type() == Type.NORMAL) unknown = Math.min(unknown, piece.score() - 10);
    double score = 0;
    for (Segment each : segments)
      score += each.id() == model.unknownId() ? unknown : model.pieces().get(each.id()).score();
    return score;
  }

  @Claim("viterbi")
  @Test
  void the_best_segmentation_is_the_best_of_all(Proof proof) {
    RandomGenerator random = random(51);
    long segmentations = 0;
    double worst = 0;
    for (int trial = 0; trial < 2000; trial++) {
      Unigram model = someUnigram(random);
      String text = someText("aabbc", 12, random);
      List<Whole> all = enumerated(model, text);
      segmentations += all.size();
      List<Segment> best = model.encode(text);
      assertThat(String.join("", texts(text, best))).isEqualTo(text);
      worst = Math.max(worst, Math.abs(score(model, best) - all.getFirst().score()));
    }
    proof.atMost("|Δ score|", worst, 1e-12);
    proof.measured("segmentations compared", segmentations);
  }

  @Claim("n-best")
  @Test
  void the_n_best_come_out_in_order_and_none_is_missing(Proof proof) {
    RandomGenerator random = random(52);
    double worst = 0;
    for (int trial = 0; trial < 500; trial++) {
      Unigram model = someUnigram(random);
      String text = someText("aabbc", 10, random);
      List<Whole> all = enumerated(model, text);
      List<UnigramLattice.Path> best = model.lattice(text).best(20);
      assertThat(best).hasSize(Math.min(20, all.size())).doesNotHaveDuplicates();
      for (int i = 0; i < best.size(); i++) {
        double wanted = all.get(i).score();
        worst = Math.max(worst, Math.abs(best.get(i).score() - wanted));
        worst = Math.max(worst, Math.abs(score(model, best.get(i).segments()) - wanted));
      }
    }
    proof.atMost("|Δ score|", worst, 1e-12);
  }

  @Claim("distribution")
  @Test
  void samples_are_distributed_as_the_segmentations_of_complete_enumeration(Proof proof) {
    RandomGenerator random = random(53);
    for (double alpha : new double[] {0, 0.1, 0.5, 1, 2})
      for (String text : List.of("abab", "aabbaab", "cab")) {
        Unigram model = someUnigram(random);
        List<Whole> all = enumerated(model, text);
        UnigramLattice lattice = model.lattice(text);
        requireDistribution(
            probabilities(all, alpha),
            () -> texts(text, lattice.sample(alpha, random).segments()),
            proof);
        requireDistribution(
            probabilities(all.subList(0, Math.min(3, all.size())), alpha),
            () -> texts(text, lattice.sampleOfBest(3, alpha, random).segments()),
            proof);
      }
  }

  private interface Draw {
    List<String> next();
  }

  /// 20,000 draws; p above 1e-4, so a correct sampler fails one seed in ten thousand. Segmentations
  /// that are not named, or expected less than five times, are pooled.
  private static void requireDistribution(
      Map<List<String>, Double> probabilities, Draw draw, Proof proof) {
    int draws = 20_000;
    Map<List<String>, Integer> cells = new HashMap<>();
    double[] expected = new double[probabilities.size() + 1]; // 0 is the pool
    probabilities.forEach((pieces, p) -> {
      if (p * draws < 5) return;
      cells.put(pieces, cells.size() + 1);
      expected[cells.size()] = p * draws;
    });
    double pooled = draws - Arrays.stream(expected).sum();
    expected[0] = pooled < 1e-6 * draws ? 0 : pooled;
    long[] observed = new long[expected.length];
    for (int i = 0; i < draws; i++) observed[cells.getOrDefault(draw.next(), 0)]++;
    if (expected[0] == 0) assertThat(observed[0]).isZero();
    int from = expected[0] == 0 ? 1 : 0;
    int to = cells.size() + 1;
    if (to - from < 2) return; // one outcome only
    proof.atLeast(
        "chi-square p-value",
        new ChiSquareTest()
            .chiSquareTest(
                Arrays.copyOfRange(expected, from, to), Arrays.copyOfRange(observed, from, to)),
        1e-4);
  }

  private static Map<List<String>, Double> probabilities(List<Whole> all, double alpha) {
    double z = all.stream().mapToDouble(each -> Math.exp(alpha * each.score)).sum();
    return all.stream()
        .collect(Collectors.toMap(Whole::pieces, each -> Math.exp(alpha * each.score) / z));
  }

  @Claim("entropy")
  @Test
  void partition_and_entropy_are_those_of_complete_enumeration(Proof proof) {
    RandomGenerator random = random(54);
    double partition = 0;
    double entropies = 0;
    for (int trial = 0; trial < 500; trial++) {
      Unigram model = someUnigram(random);
      String text = someText("aabbc", 10, random);
      List<Whole> all = enumerated(model, text);
      UnigramLattice lattice = model.lattice(text);
      for (double alpha : new double[] {0, 0.3, 1, 3}) {
        double z = all.stream().mapToDouble(each -> Math.exp(alpha * each.score)).sum();
        double entropy = 0;
        for (Whole each : all) {
          double p = Math.exp(alpha * each.score) / z;
          if (p > 0) entropy -= p * (alpha * each.score - Math.log(z));
        }
        partition = Math.max(partition, Math.abs(lattice.logPartition(alpha) - Math.log(z)));
        entropies = Math.max(entropies, Math.abs(lattice.entropy(alpha) - entropy));
      }
      assertThat(Math.exp(lattice.logPartition(0))).isCloseTo(all.size(), within(1e-9));
    }
    proof.atMost("|Δ ln Z|", partition, 1e-11);
    proof.atMost("|Δ entropy|", entropies, 1e-11);
  }

  private static Map<String, Long> someWords(RandomGenerator random) {
    Map<String, Long> words = new TreeMap<>();
    for (int i = 0; i < 8; i++)
      words.merge(someText("aabbcd", 8, random), 1L + random.nextInt(9), Long::sum);
    return words;
  }

  /// All substrings of the words, with random probabilities.
  private static Map<String, Double> somePieces(Map<String, Long> words, RandomGenerator random) {
    Map<String, Double> weights = new TreeMap<>();
    for (String word : words.keySet())
      for (int from = 0; from < word.length(); from++)
        for (int to = from + 1; to <= Math.min(word.length(), from + 4); to++)
          weights.put(word.substring(from, to), 0.01 + random.nextDouble());
    double sum = weights.values().stream().mapToDouble(Double::doubleValue).sum();
    weights.replaceAll((text, weight) -> Math.log(weight / sum));
    return weights;
  }

  @Claim("em")
  @Test
  void expectation_and_maximisation_never_lower_the_likelihood(Proof proof) {
    RandomGenerator random = random(55);
    double least = Double.POSITIVE_INFINITY;
    for (int trial = 0; trial < 40; trial++) {
      Map<String, Long> words = someWords(random);
      Map<String, Double> pieces = somePieces(words, random);
      double before = Double.NEGATIVE_INFINITY;
      for (int step = 0; step < 20; step++) {
        var expectation = UnigramTraining.expectation(pieces, words);
        least = Math.min(least, expectation.logLikelihood() - before);
        before = expectation.logLikelihood();
        pieces = MStep.MAXIMUM_LIKELIHOOD.apply(expectation.counts());
      }
    }
    proof.atLeast("least gain of a step", least, -1e-9); // rounding, once it has converged
  }

  @Claim("digamma")
  @Test
  void the_m_step_of_sentencepiece_can_lower_the_likelihood(Proof proof) {
    RandomGenerator random = random(56);
    Map<String, Long> words = someWords(random);
    Map<String, Double> pieces = somePieces(words, random);
    for (int step = 0; step < 50; step++)
      pieces = MStep.MAXIMUM_LIKELIHOOD.apply(UnigramTraining.expectation(pieces, words).counts());
    var converged = UnigramTraining.expectation(pieces, words);
    Map<String, Double> next = MStep.DIGAMMA.apply(converged.counts());
    double sum = next.values().stream().mapToDouble(Math::exp).sum();
    proof.atMost("sum of the probabilities", sum, 0.99);
    double gain =
        UnigramTraining.expectation(next, words).logLikelihood() - converged.logLikelihood();
    proof.atMost("gain of the step", gain, -1);
  }

  /// The words of the text that the shipped models were trained on, cut as they were.
  private static Map<String, Long> corpusWords() throws IOException {
    SentencePieceNormaliser normaliser = model("tiny-unigram.model").normaliser();
    return new SentencePieceWords(normaliser, 0.999, false)
        .count(Files.readAllLines(MODELS.resolve("corpus.txt")));
  }

  @Claim("training")
  @Test
  void training_keeps_the_pieces_that_the_likelihood_needs(Proof proof) throws IOException {
    Map<String, Long> words = corpusWords();
    List<SentencePiece> pieces = UnigramTraining.ofSize(461).learn(words);
    assertThat(pieces).hasSize(461);
    Set<String> learned = new HashSet<>(pieces.stream().map(SentencePiece::text).toList());
    for (String word : words.keySet())
      word.codePoints().forEach(c -> assertThat(learned).contains(Character.toString(c)));
    double learnedHere = logLikelihood(pieces, words);
    proof.measured("ln P of the corpus", learnedHere);
    proof.atLeast(
        "ln P more than with the most frequent substrings",
        learnedHere - logLikelihood(mostFrequent(words, 461), words),
        10_000);
    // SentencePiece's own vocabulary of the same size, from the same text
    List<SentencePiece> theirs =
        unigram().pieces().stream().filter(piece -> piece.type() == Type.NORMAL).toList();
    assertThat(theirs).hasSize(461);
    proof.atLeast(
        "ln P more than with SentencePiece's own", learnedHere - logLikelihood(theirs, words), 0);
  }

  @Claim("narrow-seed")
  @Test
  void candidates_that_something_always_follows_are_missing_in_sentencepiece(Proof proof)
      throws IOException {
    Map<String, Long> words = corpusWords();
    List<String> texts = new ArrayList<>();
    SentencePieceNormaliser normaliser = model("tiny-unigram.model").normaliser();
    for (String line : Files.readAllLines(MODELS.resolve("corpus.txt")))
      texts.add(normaliser.apply(line).text());
    Map<String, Double> theirs = new LinkedHashMap<>();
    for (SentencePiece piece : unigram().pieces())
      if (piece.type() == Type.NORMAL) theirs.put(piece.text(), piece.score());
    for (String piece : theirs.keySet())
      assertThat(piece.length() == 1 || branches(piece, texts)).as(piece).isTrue();
    UnigramTraining training = UnigramTraining.ofSize(theirs.size());
    Map<String, Double> narrow = training.seed(words);
    narrow.keySet().removeIf(piece -> piece.length() > 1 && !branches(piece, texts));
    List<SentencePiece> wide = training.learn(words);
    List<SentencePiece> fromNarrow = training.learn(words, narrow);
    proof.measured("pieces shared with SentencePiece", shared(wide, theirs));
    proof.atLeast("the same from its narrow seed", shared(fromNarrow, theirs), 430);
    double all = logLikelihood(wide, words);
    double seedAlone = all - logLikelihood(fromNarrow, words);
    double gap = all - UnigramTraining.expectation(theirs, words).logLikelihood();
    proof.atLeast("ln P lost by the narrow seed alone", seedAlone, 10_000);
    proof.atMost("share of the whole gap", seedAlone / gap, 0.9); // the rest has other causes
  }

  /// Whether different characters, or the end of a text, follow a substring.
  private static boolean branches(String piece, List<String> texts) {
    Set<Integer> followers = new HashSet<>();
    for (String text : texts)
      for (int at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + 1)) {
        int end = at + piece.length();
        followers.add(end < text.length() ? text.codePointAt(end) : -1);
      }
    return followers.size() > 1;
  }

  private static int shared(List<SentencePiece> pieces, Map<String, Double> others) {
    return (int) pieces.stream().filter(piece -> others.containsKey(piece.text())).count();
  }

  /// The seed's best pieces with one maximisation: what pruning by loss is to be compared with.
  private static List<SentencePiece> mostFrequent(Map<String, Long> words, int count) {
    Map<String, Double> seed = UnigramTraining.ofSize(count).seed(words);
    Map<String, Double> kept = new LinkedHashMap<>();
    seed.entrySet().stream()
        .sorted(
            Comparator.comparing((Map.Entry<String, Double> each) -> each.getKey().length() > 1)
                .thenComparing(Map.Entry.comparingByValue(Comparator.reverseOrder())))
        .limit(count)
        .forEach(each -> kept.put(each.getKey(), each.getValue()));
    var counts = UnigramTraining.expectation(kept, words).counts();
    counts.replaceAll((text, expected) -> Math.max(expected, 0.5));
    List<SentencePiece> pieces = new ArrayList<>();
    MStep.DIGAMMA
        .apply(counts)
        .forEach((text, score) -> pieces.add(SentencePiece.normal(text, score)));
    return pieces;
  }

  private static double logLikelihood(List<SentencePiece> pieces, Map<String, Long> words) {
    Map<String, Double> scores = new LinkedHashMap<>();
    for (SentencePiece piece : pieces) scores.put(piece.text(), piece.score());
    return UnigramTraining.expectation(scores, words).logLikelihood();
  }

  @Claim("ties")
  @Test
  void rounding_decides_between_permutations_of_the_same_pieces() {
    // "aaa" is aa·a or a·aa: the same sum, but in float32 not to the last digit
    int differ = 0;
    RandomGenerator random = random(57);
    for (int trial = 0; trial < 200; trial++) {
      List<SentencePiece> pieces =
          List.of(
              UNKNOWN,
              SentencePiece.normal("a", (float) (-2 - random.nextDouble())),
              SentencePiece.normal("aa", (float) (-2.5 - random.nextDouble())),
              SentencePiece.normal("b", -3));
      String text = "b" + "a".repeat(9);
      List<Segment> single = new Unigram(pieces, Sums.FLOAT32).encode(text);
      Unigram exact = new Unigram(pieces, Sums.FLOAT64);
      List<Segment> twice = exact.encode(text);
      assertThat(score(exact, single)).isCloseTo(score(exact, twice), within(1e-5));
      if (!single.equals(twice)) differ++;
    }
    assertThat(differ).isPositive();
  }

  @Claim("parity")
  @GoldenCases("tokenizers/unigram-nbest")
  void the_n_best_are_those_of_sentencepiece(GoldenCase golden, Proof proof) throws IOException {
    String text = "▁" + golden.inputs().get("text").asString().replace(' ', '▁');
    List<UnigramLattice.Path> best = unigram().lattice(text).best(golden.integer("n"));
    golden.expect("scores", best.stream().mapToDouble(UnigramLattice.Path::score).toArray(), proof);
    assertThat(best.stream().map(path -> texts(text, path.segments())).toList())
        .isEqualTo(golden.expected().get("pieces").valueStream().map(p -> strings(p)).toList());
  }

  @Claim("parity")
  @GoldenCases("tokenizers/unigram-sampling")
  void the_distribution_is_that_of_sentencepiece(GoldenCase golden, Proof proof)
      throws IOException {
    String text = "▁" + golden.inputs().get("text").asString().replace(' ', '▁');
    double alpha = golden.number("alpha");
    UnigramLattice lattice = unigram().lattice(text);
    golden.expect("log_z", lattice.logPartition(alpha), proof);
    golden.expect("entropy", lattice.entropy(alpha), proof);
    golden.expect("count", (double) Math.round(Math.exp(lattice.logPartition(0))), proof);
    List<List<String>> wanted =
        golden.expected().get("segmentations").valueStream().map(p -> strings(p)).toList();
    List<UnigramLattice.Path> best = lattice.best(wanted.size());
    assertThat(best.stream().map(path -> texts(text, path.segments())).toList()).isEqualTo(wanted);
    golden.expect(
        "probs",
        best.stream()
            .mapToDouble(path -> Math.exp(alpha * path.score() - lattice.logPartition(alpha)))
            .toArray(),
        proof);
    Map<List<String>, Double> probabilities = new HashMap<>();
    double[] probs = GoldenCase.numbers(golden.expected().get("probs"));
    for (int i = 0; i < probs.length; i++) probabilities.put(wanted.get(i), probs[i]);
    RandomGenerator random = random(61);
    requireDistribution(
        probabilities, () -> texts(text, lattice.sample(alpha, random).segments()), proof);
  }

  @Claim("parity")
  @GoldenCases("tokenizers/unigram-em")
  void a_step_of_em_is_that_of_complete_enumeration(GoldenCase golden, Proof proof) {
    Map<String, Long> words = new LinkedHashMap<>();
    golden
        .inputs()
        .get("words")
        .properties()
        .forEach(word -> words.put(word.getKey(), word.getValue().asLong()));
    Map<String, Double> pieces = new LinkedHashMap<>();
    golden
        .inputs()
        .get("probs")
        .properties()
        .forEach(piece -> pieces.put(piece.getKey(), Math.log(piece.getValue().asDouble())));
    var expectation = UnigramTraining.expectation(pieces, words);
    golden.expect("log_likelihood", expectation.logLikelihood(), proof);
    expectSame(golden, "expected_counts", expectation.counts(), proof);
    Map<String, Double> next = MStep.MAXIMUM_LIKELIHOOD.apply(expectation.counts());
    expectSame(golden, "new_probs", exp(next), proof);
    if (golden.expected().has("new_probs_digamma"))
      expectSame(
          golden, "new_probs_digamma", exp(MStep.DIGAMMA.apply(expectation.counts())), proof);
    golden.expect(
        "log_likelihood_after", UnigramTraining.expectation(next, words).logLikelihood(), proof);
    Map<String, Double> ofWords = new LinkedHashMap<>();
    words
        .keySet()
        .forEach(
            word -> ofWords.put(word, UnigramTraining.model(pieces).lattice(word).logPartition(1)));
    expectSame(golden, "word_log_probs", ofWords, proof);
  }

  private static Map<String, Double> exp(Map<String, Double> logs) {
    Map<String, Double> result = new LinkedHashMap<>(logs);
    result.replaceAll((text, log) -> Math.exp(log));
    return result;
  }

  private static void expectSame(
      GoldenCase golden, String key, Map<String, Double> actual, Proof proof) {
    JsonNode wanted = golden.expected().get(key);
    assertThat(actual).hasSize(wanted.size());
    wanted
        .properties()
        .forEach(each ->
            proof.atMost(
                "max |Δ| to the reference",
                Math.abs(actual.get(each.getKey()) - each.getValue().asDouble()),
                1e-9));
  }

  static List<String> strings(JsonNode list) {
    return list.valueStream().map(JsonNode::asString).toList();
  }
}
