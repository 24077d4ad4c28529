package lemma.core.tokenizer;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.tokenizer.BpeTraining.Ties;
import lemma.core.tokenizer.BpeTraining.Word;
import lemma.core.tokenizer.Encoding.Token;
import lemma.core.tokenizer.WordPieceTraining.Counts;
import lemma.core.tokenizer.WordPieceTraining.Learned;
import lemma.core.tokenizer.WordPieceTraining.Pair;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Proves("wordpiece")
class WordPieceTest {
  private static final String UNKNOWN = "[UNK]";

  private static Map<String, Long> hugPug() {
    Map<String, Long> words = new LinkedHashMap<>();
    words.put("hug", 10L);
    words.put("pug", 5L);
    words.put("pun", 12L);
    words.put("bun", 4L);
    words.put("hugs", 5L);
    return words;
  }

  private static WordPiece wordPiece(String... tokens) {
    List<String> all = new ArrayList<>(List.of(UNKNOWN));
    all.addAll(List.of(tokens));
    return new WordPiece(new Vocabulary(all), 0, "##", 100);
  }

  private static List<String> tokens(WordPiece model, String word) {
    return model.tokenize(word).stream()
        .map(segment -> model.vocabulary().token(segment.id()))
        .toList();
  }

  @Claim("score")
  @Test
  void the_first_pair_is_another_one_than_that_of_byte_pair_encoding(Proof proof) {
    var training = new WordPieceTraining(1);
    Learned first = training.learn(hugPug()).getFirst();
    assertThat(first.pair()).isEqualTo(new Pair("##g", "##s"));
    proof.measured("score of ##g ##s", first.score());

    Map<List<String>, Long> words = new LinkedHashMap<>();
    hugPug().forEach((word, times) -> words.put(training.characters(word), times));
    Counts counts = WordPieceTraining.count(words);
    Pair frequent = new Pair("##u", "##g"); // what byte-pair encoding takes
    assertThat(counts.pairs().get(frequent))
        .isEqualTo(counts.pairs().values().stream().mapToLong(Long::longValue).max().orElseThrow());
    proof.measured("times ##u ##g", counts.pairs().get(frequent));
    proof.measured("times ##g ##s", counts.pairs().get(first.pair()));
    proof.measured("score of ##u ##g", counts.score(frequent));
    assertThat(counts.score(frequent)).isLessThan(first.score());
    assertThat(bytePairs(words)).isEqualTo(frequent);
  }

  /// The first merge of byte-pair encoding on the same words.
  private static Pair bytePairs(Map<List<String>, Long> words) {
    List<String> alphabet = words.keySet().stream().flatMap(List::stream).distinct().toList();
    List<Word> numbered = new ArrayList<>();
    words.forEach((word, times) ->
        numbered.add(new Word(word.stream().mapToInt(alphabet::indexOf).toArray(), times)));
    Merge merge =
        new BpeTraining(1, 1, Ties.LEAST, true).learn(numbered, alphabet).getFirst().merge();
    return new Pair(alphabet.get(merge.left()), alphabet.get(merge.right()));
  }

  @Claim("score")
  @Test
  void neighbours_that_only_occur_together_beat_any_frequency(Proof proof) {
    RandomGenerator random = random(51);
    for (int trial = 0; trial < 200; trial++) {
      Map<String, Long> words = new LinkedHashMap<>();
      for (int i = 0; i < 10; i++)
        words.merge(letters(random, 1 + random.nextInt(5)), 2L + random.nextInt(100), Long::sum);
      words.put("xyz", 1L); // ##y and ##z occur once, and together: the score is 1
      Learned first = new WordPieceTraining(1).learn(words).getFirst();
      assertThat(first.score()).isEqualTo(1);
      assertThat(first.pair().right()).isIn("##y", "##z");
      proof.measured("score", first.score());
    }
  }

  private static String letters(RandomGenerator random, int length) {
    return random
        .ints(length, 'a', 'f')
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  @Claim("greedy")
  @Test
  void the_longest_token_goes_first_and_may_be_the_worse_choice() {
    WordPiece model = wordPiece("ab", "a", "##b", "##bcd", "##c", "##d");
    assertThat(tokens(model, "abcd")).containsExactly("ab", "##c", "##d"); // a ##bcd is shorter
    WordPiece dead = wordPiece("ab", "a", "##bc");
    assertThat(tokens(dead, "abc")).containsExactly(UNKNOWN); // though a ##bc is there
  }

  @Claim("greedy")
  @Test
  void at_every_place_no_longer_token_would_fit() {
    RandomGenerator random = random(52);
    for (int trial = 0; trial < 500; trial++) {
      List<String> vocabulary = new ArrayList<>(List.of(UNKNOWN));
      for (int i = 0; i < 30; i++) {
        String token = letters(random, 1 + random.nextInt(3));
        if (random.nextBoolean()) token = "##" + token;
        if (!vocabulary.contains(token)) vocabulary.add(token);
      }
      var model = new WordPiece(new Vocabulary(vocabulary), 0, "##", 100);
      String word = letters(random, 1 + random.nextInt(12));
      List<Segment> segments = model.tokenize(word);
      if (segments.getFirst().id() == 0) continue;
      int at = 0;
      for (Segment segment : segments) {
        assertThat(segment.from()).isEqualTo(at);
        for (int to = segment.to() + 1; to <= word.length(); to++)
          assertThat(vocabulary).doesNotContain((at == 0 ? "" : "##") + word.substring(at, to));
        at = segment.to();
      }
      assertThat(at).isEqualTo(word.length());
    }
  }

  @Claim("unknown")
  @Test
  void one_unknown_character_makes_the_whole_word_unknown() {
    WordPiece model = wordPiece("un", "##aff", "##able");
    assertThat(tokens(model, "unaffable")).containsExactly("un", "##aff", "##able");
    assertThat(tokens(model, "unaff世able")).containsExactly(UNKNOWN);
    WordPiece letters = wordPiece("a", "##a");
    assertThat(letters.tokenize("a".repeat(100))).hasSize(100);
    assertThat(tokens(letters, "a".repeat(101))).containsExactly(UNKNOWN);
    assertThat(tokens(letters, "😀".repeat(100))).containsExactly(UNKNOWN);
  }

  @Claim("normaliser")
  @Test
  void text_loses_accents_capitals_and_controls_and_keeps_its_places() {
    AlignedText text = AlignedText.of("Ré\u0000sumé\t世界");
    AlignedText normalised = BertNormalizer.uncased().apply(text);
    assertThat(normalised.text()).isEqualTo("resume  世  界 ");
    int[] starts = IntStream.range(0, normalised.text().length()).map(normalised::start).toArray();
    assertThat(starts).containsExactly(0, 1, 3, 4, 5, 6, 7, 8, 8, 8, 9, 9, 9);
    assertThat(new BertNormalizer(true, true, false, false).apply(text).text())
        .isEqualTo("Résumé  世  界 ");
    assertThat(
            new PreTokenizer.BertPreTokenizer()
                .split(AlignedText.of("it's 5$, 世")).stream().map(AlignedText::text))
        .containsExactly("it", "'", "s", "5", "$", ",", "世");
  }

  @Claim("pairs")
  @Test
  void two_texts_are_told_apart_by_separators_and_type_ids() throws IOException {
    Pipeline pipeline = TokenizerJson.read(Vocabularies.model("wordpiece"));
    Encoding encoding = pipeline.encode("the test", "lower", true);
    List<Token> special = encoding.tokens().stream().filter(Token::special).toList();
    assertThat(special.stream().map(Token::text)).containsExactly("[CLS]", "[SEP]", "[SEP]");
    assertThat(special.stream().map(Token::typeId)).containsExactly(0, 0, 1);
    assertThat(encoding.tokens().getFirst()).isEqualTo(special.getFirst());
    assertThat(encoding.tokens().getLast()).isEqualTo(special.getLast());
    int second = Arrays.stream(encoding.typeIds()).sum();
    assertThat(second).isEqualTo(pipeline.encode("lower").length + 1);
    assertThat(pipeline.encode("the test", "lower", false).tokens()).noneMatch(Token::special);
  }

  @Claim("parity")
  @GoldenCases("tokenizers/wordpiece-training")
  void joins_are_those_of_the_published_description(GoldenCase golden, Proof proof) {
    Map<String, Long> words = new LinkedHashMap<>();
    golden
        .inputs()
        .get("words")
        .properties()
        .forEach(word -> words.put(word.getKey(), word.getValue().asLong()));
    var training = new WordPieceTraining(golden.integer("steps"));
    List<Learned> learned = training.learn(words);
    assertThat(learned.stream().map(each -> List.of(each.pair().left(), each.pair().right())))
        .isEqualTo(
            golden.expected().get("merges").valueStream().map(WordPieceTest::texts).toList());
    golden.expect("scores", learned.stream().mapToDouble(Learned::score).toArray(), proof);
    counts(golden, words, training);
    JsonNode segmented = golden.expected().path("segmented");
    if (!segmented.isArray()) return;
    WordPiece model = training.train(words, UNKNOWN);
    assertThat(words.keySet().stream().map(word -> tokens(model, word)))
        .isEqualTo(segmented.valueStream().map(WordPieceTest::texts).toList());
  }

  private static void counts(
      GoldenCase golden, Map<String, Long> words, WordPieceTraining training) {
    Map<List<String>, Long> split = new LinkedHashMap<>();
    words.forEach((word, times) -> split.merge(training.characters(word), times, Long::sum));
    Counts counts = WordPieceTraining.count(split);
    JsonNode wanted = golden.expected().path("first_step_counts");
    for (var unit : wanted.path("unit_counts").properties())
      assertThat(counts.units()).containsEntry(unit.getKey(), unit.getValue().asLong());
    for (var pair : wanted.path("pair_counts").properties()) {
      String[] parts = pair.getKey().split(" ");
      assertThat(counts.pairs())
          .containsEntry(new Pair(parts[0], parts[1]), pair.getValue().asLong());
    }
    if (golden.expected().has("bpe_first"))
      assertThat(bytePairs(split))
          .isEqualTo(
              new Pair(
                  texts(golden.expected().get("bpe_first")).getFirst(),
                  texts(golden.expected().get("bpe_first")).getLast()));
  }

  private static List<String> texts(JsonNode list) {
    return list.valueStream().map(JsonNode::asString).toList();
  }

  @Claim("parity")
  @GoldenCases("tokenizers/hf-wordpiece")
  void ids_of_a_bert_style_file_are_those_of_hugging_face(GoldenCase golden) throws IOException {
    HuggingFaceCase.check(
        golden, Vocabularies.read(Vocabularies.model("wordpiece"), TokenizerJson::read));
  }

  @GoldenCases("tokenizers/real-bert") // no claim of the page: the vocabulary is not always there
  void ids_of_bert_are_those_of_llama_cpp(GoldenCase golden) throws IOException {
    Optional<Path> file = Vocabularies.published("ggml-vocab-bert-bge.gguf", "bert.gguf");
    assumeTrue(file.isPresent(), "the vocabulary of BERT is not here");
    Tokenizer tokenizer = Vocabularies.read(file.get(), GgufVocabulary::read);
    int[] ids = tokenizer.encodeOrdinary(golden.inputs().get("text").asString());
    golden.expect("ids", ids);
    int[] shown = Arrays.stream(ids).filter(id -> !tokenizer.isSpecial(id)).toArray();
    assertThat(GgufVocabulary.cleanSpaces(tokenizer.decode(shown)))
        .isEqualTo(golden.expected().get("decoded").asString());
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    var vocabulary = new Vocabulary(List.of("a", "b"));
    Refusal.of(() -> new WordPiece(vocabulary, 2, "##", 100), "id 2", "vocabulary of 2");
    Refusal.of(() -> new WordPiece(vocabulary, 0, "##", -1), "longestWord", "-1");
    Refusal.of(() -> new WordPieceTraining(-1), "merges", "-1");
    Refusal.of(() -> new Vocabulary(List.of("a", "a")), "token a", "0", "1");
    Refusal.of(() -> new Vocabulary(Arrays.asList("a", null)).token(1), "id 1", "not in use");
  }
}
