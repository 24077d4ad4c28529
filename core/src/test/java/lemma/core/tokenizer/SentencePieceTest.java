package lemma.core.tokenizer;

import static lemma.core.tokenizer.UnigramTest.MODELS;
import static lemma.core.tokenizer.UnigramTest.UNKNOWN;
import static lemma.core.tokenizer.UnigramTest.model;
import static lemma.core.tokenizer.UnigramTest.score;
import static lemma.core.tokenizer.UnigramTest.someText;
import static lemma.core.tokenizer.UnigramTest.strings;
import static lemma.core.tokenizer.UnigramTest.texts;
import static lemma.core.tokenizer.UnigramTest.unigram;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lemma.core.tokenizer.SentencePiece.Type;
import lemma.core.tokenizer.Unigram.Sums;
import lemma.core.tokenizer.UnigramTraining.MStep;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Proves("sentencepiece")
class SentencePieceTest {
  /// Any text: letters, digits, spaces, controls, and all of Unicode but surrogates.
  private static String anyText(RandomGenerator random) {
    var text = new StringBuilder();
    for (int i = random.nextInt(50); i > 0; i--) {
      int codePoint =
          switch (random.nextInt(6)) {
            case 0 -> random.nextInt(0x110000);
            case 1 -> random.nextInt(0x3000);
            case 2 -> 0x4E00 + random.nextInt(2000);
            case 3 -> "   \n\t\u00A0\u3000\u0000\u200B\u0301".charAt(random.nextInt(10));
            default -> 'a' + random.nextInt(26);
          };
      if (codePoint < 0xD800 || codePoint > 0xDFFF) text.appendCodePoint(codePoint);
    }
    return text.toString();
  }

  @Claim("bpe-training")
  @Test
  void bpe_learns_the_vocabulary_that_sentencepiece_learns(Proof proof) throws IOException {
    SentencePieceModel theirs = model("tiny-bpe.model");
    List<SentencePiece> wanted =
        theirs.model().pieces().stream().filter(piece -> piece.type() == Type.NORMAL).toList();
    Map<String, Long> words =
        new SentencePieceWords(theirs.normaliser(), 0.98, true)
            .count(Files.readAllLines(MODELS.resolve("corpus.txt")));
    List<SentencePiece> learned = new SentencePieceBpeTraining(wanted.size()).learn(words);
    assertThat(learned.stream().map(SentencePiece::text))
        .containsExactlyElementsOf(wanted.stream().map(SentencePiece::text).toList());
    for (int i = 0; i < learned.size(); i++)
      assertThat(learned.get(i).score()).isEqualTo(wanted.get(i).score() + 0.0); // −0 is 0
    proof.measured("pieces", learned.size());
  }

  @Claim("long-texts")
  @Test
  void a_text_of_a_million_characters_without_a_space_is_no_trouble() throws IOException {
    // anything quadratic would take 10¹² steps: this would not end
    String text = "tokenizer".repeat(111_112);
    for (String name : List.of("tiny-bpe.model", "tiny-unigram.model")) {
      SentencePieceModel model = model(name);
      int[] ids = model.encode(text);
      assertThat(model.decode(ids)).isEqualTo(text);
    }
    assertThat(unigram().lattice(text.substring(0, 100_000)).logPartition(1)).isNegative();
  }

  @Claim("round-trip")
  @Test
  void decoding_gives_back_the_normalised_text(Proof proof) throws IOException {
    RandomGenerator random = random(58);
    int texts = 3000;
    for (String name : List.of("tiny-bpe.model", "tiny-unigram.model")) {
      SentencePieceModel model = model(name);
      for (int trial = 0; trial < texts; trial++) {
        String text = anyText(random);
        String normalised = model.normalise(text).text().replace('▁', ' ');
        assertThat(model.decode(model.encode(text)))
            .isEqualTo(normalised.isEmpty() ? "" : normalised.substring(1));
        if (name.equals("tiny-bpe.model")) // identity, and spaces are kept
        assertThat(model.decode(model.encode(text))).isEqualTo(text.replace('▁', ' '));
      }
    }
    proof.measured("texts", 2 * texts);
  }

  @Claim("not-lossless")
  @Test
  void what_normalisation_folds_does_not_come_back() throws IOException {
    SentencePieceModel nfkc = model("tiny-unigram.model");
    assertThat(nfkc.decode(nfkc.encode("  ｆｕｌｌ   ①\n"))).isEqualTo("full 1");
    SentencePieceModel identity = model("tiny-bpe.model");
    assertThat(identity.decode(identity.encode("  ｆｕｌｌ   ①\n"))).isEqualTo("  ｆｕｌｌ   ①\n");
    assertThat(identity.decode(identity.encode("a▁b"))).isEqualTo("a b"); // ▁ is always a space
    assertThat(identity.decode(identity.encode("\uD83D"))).isEqualTo("\uFFFD");
  }

  @Claim("byte-fallback")
  @Test
  void a_character_that_no_piece_covers_becomes_its_bytes() throws IOException {
    SentencePieceModel model = model("tiny-bpe.model");
    List<String> pieces =
        Arrays.stream(model.encode("你")).mapToObj(id -> model.piece(id).text()).toList();
    assertThat(pieces).containsExactly("▁", "<0xE4>", "<0xBD>", "<0xA0>");
    int[] ids = model.encode("你");
    assertThat(model.decode(ids[1], ids[2]))
        .isEqualTo("\uFFFD\uFFFD"); // cut off: one for each byte
    assertThat(model.decode(ids[1], ids[2], model.encode("a")[0])).isEqualTo("\uFFFD\uFFFD a");
    assertThat(model.decode(ids[3], ids[1], ids[2], ids[3])).isEqualTo("\uFFFD你");
    // without it, a run of such characters is one unknown piece, and the text is lost
    List<SentencePiece> few = List.of(UNKNOWN, SentencePiece.normal("a", -1));
    for (PieceModel plain : List.of(new Unigram(few, Sums.FLOAT32), new SentencePieceBpe(few))) {
      var lossy =
          new SentencePieceModel(
              plain, SentencePieceNormaliser.identity(), SentencePieceSymbols.usual(), false);
      assertThat(lossy.encode("a你好a")).containsExactly(0, 1, 0, 1);
      assertThat(lossy.decode(0, 1, 0, 1)).isEqualTo(" ⁇ a ⁇ a");
    }
  }

  /// BPE by its definition on a list: of all neighbours the best piece, leftmost, again and again.
  private static List<String> oneByOne(Map<String, Double> scores, String text) {
    List<String> symbols =
        new ArrayList<>(text.codePoints().mapToObj(Character::toString).toList());
    while (true) {
      int best = -1;
      double highest = Double.NEGATIVE_INFINITY;
      for (int i = 0; i + 1 < symbols.size(); i++) {
        Double score = scores.get(symbols.get(i) + symbols.get(i + 1));
        if (score == null || score <= highest) continue;
        highest = score;
        best = i;
      }
      if (best < 0) return symbols;
      symbols.set(best, symbols.get(best) + symbols.remove(best + 1));
    }
  }

  @Claim("agreement")
  @Test
  void the_heap_finds_what_searching_anew_for_each_join_finds() {
    RandomGenerator random = random(59);
    for (int trial = 0; trial < 1000; trial++) {
      Map<String, Double> scores = new LinkedHashMap<>();
      for (int i = 0; i < 12; i++)
        scores.put(someText("aab😀", 4, random), (double) -random.nextInt(8));
      scores.keySet().removeIf(text -> text.codePoints().anyMatch(c -> c >= 0xD800 && c <= 0xDFFF));
      List<SentencePiece> pieces = new ArrayList<>(List.of(UNKNOWN));
      scores.forEach((text, score) -> pieces.add(SentencePiece.normal(text, score)));
      String text = someText("aabc", 30, random) + "😀a";
      assertThat(texts(text, new SentencePieceBpe(pieces).encode(text)))
          .isEqualTo(oneByOne(scores, text));
    }
  }

  @Claim("by-score")
  @Test
  void any_neighbours_whose_text_is_a_piece_may_join() {
    // "abc" was learned as ab·c, but a·bc gives it too: there is no list of merges
    List<SentencePiece> pieces =
        List.of(
            UNKNOWN,
            SentencePiece.normal("a", -9),
            SentencePiece.normal("b", -9),
            SentencePiece.normal("c", -9),
            SentencePiece.normal("bc", 0),
            SentencePiece.normal("ab", -1),
            SentencePiece.normal("abc", -2));
    assertThat(texts("abc", new SentencePieceBpe(pieces).encode("abc"))).containsExactly("abc");
    // the list of merges that learning gave, (b c), (a b), (ab c), stops at a·bc
    List<Merge> merges = List.of(new Merge(2, 3, 4), new Merge(1, 2, 5), new Merge(5, 3, 6));
    assertThat(new BpeMerges(merges).apply(1, 2, 3)).containsExactly(1, 4);
  }

  @Claim("symbols")
  @Test
  void user_defined_pieces_are_whole_and_names_of_control_pieces_are_text() throws IOException {
    List<SentencePiece> pieces =
        List.of(
            UNKNOWN,
            new SentencePiece("<s>", 0, Type.CONTROL),
            new SentencePiece("<sep>", 0, Type.USER_DEFINED),
            new SentencePiece("ｘｘ", 0, Type.USER_DEFINED),
            SentencePiece.normal("a", -1),
            SentencePiece.normal("▁", -1),
            SentencePiece.normal("<", -1),
            SentencePiece.normal("s", -1),
            SentencePiece.normal(">", -1),
            SentencePiece.normal("se", -1),
            SentencePiece.normal("p>a", -1));
    SentencePieceNormaliser normaliser =
        SentencePieceNormaliser.identity().withMap("nmt_nfkc", nmtNfkc());
    for (PieceModel each :
        List.of(new Unigram(pieces, Sums.FLOAT32), new SentencePieceBpe(pieces))) {
      var model = new SentencePieceModel(each, normaliser, SentencePieceSymbols.usual(), false);
      assertThat(model.encode("a<sep>a")).containsExactly(5, 4, 2, 4);
      assertThat(model.encode("<s>")).containsExactly(5, 6, 7, 8);
      assertThat(model.encode("ａｘｘ")).containsExactly(5, 4, 3); // ａ is folded, ｘｘ is not
      assertThat(model.decode(1, 5, 4, 2, 1)).isEqualTo("a<sep>");
      assertThat(model.isSpecial(1)).isTrue();
      assertThat(model.isSpecial(2)).isFalse();
      assertThat(model.addedToken("<sep>")).hasValue(2);
    }
  }

  @Claim("symbols")
  @Test
  void an_unused_piece_is_a_step_to_longer_ones_but_never_a_result() {
    List<SentencePiece> pieces =
        List.of(
            UNKNOWN,
            SentencePiece.normal("a", -9),
            SentencePiece.normal("b", -9),
            SentencePiece.normal("c", -9),
            new SentencePiece("ab", -1, Type.UNUSED),
            SentencePiece.normal("abc", -2));
    var bpe = new SentencePieceBpe(pieces);
    assertThat(texts("abcab", bpe.encode("abcab"))).containsExactly("abc", "a", "b");
    var unigram = new Unigram(pieces, Sums.FLOAT64);
    assertThat(texts("abcab", unigram.encode("abcab"))).containsExactly("abc", "a", "b");
  }

  @Claim("spaces")
  @Test
  void spaces_are_characters_and_each_option_does_what_it_says() {
    SentencePieceNormaliser usual = SentencePieceNormaliser.identity();
    assertThat(usual.apply("  Hello   world ").text()).isEqualTo("▁Hello▁world");
    assertThat(usual.apply("   ").text()).isEmpty();
    assertThat(usual.withRemoveExtraWhitespaces(false).apply(" a  b ").text()).isEqualTo("▁▁a▁▁b▁");
    assertThat(usual.withRemoveExtraWhitespaces(false).apply(" ").text()).isEqualTo("▁▁");
    assertThat(with(false, true, false).apply(" a  b ").text()).isEqualTo("a▁b");
    assertThat(with(true, false, false).apply(" a  b ").text()).isEqualTo(" a b");
    assertThat(with(true, true, true).apply(" a  b ").text()).isEqualTo("a▁b▁");
    assertSpans(usual.apply("  a  b"), "▁a▁b", "2-2 2-3 3-4 5-6");
  }

  private static void assertSpans(AlignedText text, String wanted, String spans) {
    assertThat(text.text()).isEqualTo(wanted);
    assertThat(IntStream.range(0, wanted.length()).mapToObj(i -> text.start(i) + "-" + text.end(i)))
        .containsExactly(spans.split(" "));
  }

  private static SentencePieceNormaliser with(boolean prefix, boolean escape, boolean suffix) {
    return new SentencePieceNormaliser("identity", Optional.empty(), prefix, true, escape, suffix);
  }

  private static PrecompiledCharsMap nmtNfkc() throws IOException {
    return model("tiny-unigram.model").normaliser().map().orElseThrow();
  }

  private static String normalised(PrecompiledCharsMap map, String text) {
    return map.normalise(AlignedText.of(text)).text();
  }

  @Claim("nfkc")
  @Test
  void the_compiled_rules_are_nfkc_but_for_spaces_and_controls(Proof proof) throws IOException {
    PrecompiledCharsMap map = nmtNfkc();
    Set<Integer> otherwise = new HashSet<>();
    int compared = 0;
    for (int c = 1; c < 0x110000; c++) {
      if (!Character.isDefined(c) || c >= 0xD800 && c <= 0xDFFF) continue;
      String text = Character.toString(c);
      compared++;
      if (!normalised(map, text).equals(Normalizer.normalize(text, Normalizer.Form.NFKC)))
        otherwise.add(c);
    }
    // U+A7F2–A7F4 and all beyond U+10000 are newer than the rules
    Set<Integer> known =
        IntStream.concat(
                IntStream.rangeClosed(1, 0x1F),
                IntStream.of(
                    0x7F, 0x8F, 0x9F, 0x1680, 0x200B, 0x200C, 0x200E, 0x200F, 0x2028, 0x2029,
                    0x2581, 0xA7F2, 0xA7F3, 0xA7F4, 0xFEFF, 0xFF5E, 0xFFFD))
            .boxed()
            .collect(Collectors.toSet());
    assertThat(otherwise.stream().filter(c -> c < 0x10000)).hasSameElementsAs(known);
    proof.measured("characters compared", compared);
    proof.measured("treated otherwise", otherwise.size());
    assertThat(normalised(map, "\t\n\r\u3000\u200B\uFEFF")).isEqualTo("      ");
    assertThat(normalised(map, "\u0001\u001F\u007F")).isEmpty();
  }

  @Claim("longest-match")
  @Test
  void a_sequence_is_replaced_by_the_rule_with_the_longest_match() throws IOException {
    PrecompiledCharsMap map = nmtNfkc();
    assertThat(normalised(map, "e\u0301")).isEqualTo("é"); // two characters, one rule
    assertThat(normalised(map, "\u1E9B\u0323")).isEqualTo("\u1E61\u0323");
    // by grapheme clusters the first rule replaces the cluster, and the dot below is lost
    assertThat(map.normaliseByGraphemes(AlignedText.of("\u1E9B\u0323")).text()).isEqualTo("\u1E61");
    assertSpans(map.normaliseByGraphemes(AlignedText.of("a\uFB01b")), "afib", "0-1 1-2 1-2 2-3");
    RandomGenerator random = random(60);
    for (int trial = 0; trial < 2000; trial++) {
      String text = anyText(random);
      var again = new StringBuilder();
      for (int at = 0; at < text.length(); ) { // the longest prefix that is changed as a whole
        int end = at + Character.charCount(text.codePointAt(at));
        PrecompiledCharsMap.Replacement rule = map.longest(text, at);
        again.append(rule == null ? text.substring(at, end) : rule.text());
        at = rule == null ? end : rule.end();
      }
      assertThat(normalised(map, text)).isEqualTo(again.toString());
    }
  }

  @Claim("parity")
  @GoldenCases("tokenizers/sentencepiece-bpe")
  void bpe_is_that_of_sentencepiece(GoldenCase golden, Proof proof) throws IOException {
    assertGolden(golden, model("tiny-bpe.model"), proof);
  }

  @Claim("parity")
  @GoldenCases("tokenizers/sentencepiece-unigram")
  void unigram_is_that_of_sentencepiece(GoldenCase golden, Proof proof) throws IOException {
    assertGolden(golden, model("tiny-unigram.model"), proof);
  }

  @Claim("parity")
  @GoldenCases("tokenizers/sentencepiece-options")
  void each_option_is_that_of_sentencepiece(GoldenCase golden) throws IOException {
    SentencePieceModel model = SentencePieceFile.read(Vocabularies.model(golden.text("model")));
    String text = golden.inputs().get("text").asString();
    int[] ids = model.encode(text);
    golden.expect("ids", ids);
    assertThat(model.normalise(text).text())
        .isEqualTo(golden.expected().get("normalised").asString());
    assertThat(model.decode(ids)).isEqualTo(golden.expected().get("decoded").asString());
    assertThat(model.decode(golden.ints("ids")))
        .isEqualTo(golden.expected().get("decoded_ids").asString());
  }

  private static void assertGolden(GoldenCase golden, SentencePieceModel model, Proof proof) {
    String text = golden.inputs().get("text").asString();
    int[] ids = model.encode(text);
    golden.expect("ids", ids);
    JsonNode pieces = golden.expected().get("pieces");
    if (pieces.isArray())
      assertThat(Arrays.stream(ids).mapToObj(id -> model.piece(id).text()).toList())
          .isEqualTo(strings(pieces));
    assertThat(model.decode(ids)).isEqualTo(golden.expected().get("decoded").asString());
    if (golden.expected().has("score"))
      golden.expect("score", score((Unigram) model.model(), model.segments(text)), proof);
  }

  @Claim("parity")
  @GoldenCases("tokenizers/gguf-vocab")
  void a_gguf_vocabulary_is_that_of_llama_cpp(GoldenCase golden) throws IOException {
    Tokenizer tokenizer = TokenizerFile.open(Vocabularies.model(golden.text("model")));
    int[] ids = tokenizer.encodeOrdinary(golden.inputs().get("text").asString());
    golden.expect("ids", ids);
    String text = tokenizer.decode(ids);
    boolean cleaned = golden.text("model").contains("gpt2");
    assertThat(cleaned ? GgufVocabulary.cleanSpaces(text) : text)
        .isEqualTo(golden.expected().get("decoded").asString());
  }

  /// No claim of the page, which may not hang on a vocabulary that is not always there.
  @GoldenCases("tokenizers/real-llama2")
  void llama_2_is_that_of_llama_cpp(GoldenCase golden) throws IOException {
    Optional<Path> file =
        Vocabularies.published("ggml-vocab-llama-spm.gguf", "llama2.model", "tokenizer.model");
    assumeThat(file).isPresent();
    Tokenizer tokenizer = TokenizerFile.open(file.orElseThrow());
    int[] ids = tokenizer.encodeOrdinary(golden.inputs().get("text").asString());
    golden.expect("ids", ids);
    assertThat(tokenizer.decode(ids)).isEqualTo(golden.expected().get("decoded").asString());
  }

  @Claim("parity")
  @GoldenCases("tokenizers/hf-t5-style-unigram")
  void unigram_in_tokenizer_json_is_that_of_hugging_face(GoldenCase golden) throws IOException {
    HuggingFaceCase.check(golden, TokenizerJson.read(Vocabularies.model("t5-style-unigram")));
  }

  @Claim("parity")
  @GoldenCases("tokenizers/hf-llama2-style-bpe")
  void bpe_in_tokenizer_json_is_that_of_hugging_face(GoldenCase golden) throws IOException {
    HuggingFaceCase.check(golden, TokenizerJson.read(Vocabularies.model("llama2-style-bpe")));
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() throws IOException {
    SentencePieceModel model = model("tiny-bpe.model");
    Refusal.of(() -> model.decode(720), "id 720", "vocabulary of 720");
    Refusal.of(() -> model.bytes(-1), "id -1");
    Refusal.of(() -> model.withPrefix(720), "id 720");
    UnigramLattice lattice = unigram().lattice("▁a");
    Refusal.of(() -> lattice.best(0), "n must be at least 1", "0");
    Refusal.of(() -> lattice.logPartition(-1), "alpha", "-1");
    Refusal.of(() -> lattice.sample(Double.NaN, random(1)), "alpha", "NaN");
    Refusal.of(() -> UnigramTraining.ofSize(0), "vocabularySize", "0");
    Refusal.of(() -> new SentencePieceBpeTraining(0), "vocabularySize", "0");
    Refusal.of(() -> new SentencePieceBpeTraining(1).learn(Map.of("ab", 1L)), "Size", "2");
    Refusal.of(() -> UnigramTraining.ofSize(1).learn(Map.of("ab", 1L)), "vocabularySize", "2");
    Refusal.of(() -> new UnigramTraining(9, 9, 1, 2, 9, MStep.DIGAMMA), "shrinkingFactor", "1.0");
    Refusal.of(
        () -> new SentencePieceWords(SentencePieceNormaliser.identity(), 0, false),
        "Coverage",
        "0.0");
    Refusal.of(() -> new PrecompiledCharsMap(new byte[3]), "3 bytes");
  }
}
