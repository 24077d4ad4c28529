package lemma.core.tokenizer;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;
import lemma.core.tokenizer.BpeTraining.Learned;
import lemma.core.tokenizer.BpeTraining.Ties;
import lemma.core.tokenizer.BpeTraining.Word;
import lemma.core.tokenizer.Encoding.Token;
import lemma.core.tokenizer.Metaspace.Prepending;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Mutations;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

@Proves("bpe")
class BpeTest {
  private static ByteLevelBpe model(String name) throws IOException {
    return TokenizerJson.readByteLevel(Vocabularies.model(name));
  }

  /// Any text: letters, digits, spaces, line ends, controls, and all of Unicode but surrogates.
  private static String anyText(RandomGenerator random) {
    var text = new StringBuilder();
    int length = random.nextInt(60);
    while (text.codePointCount(0, text.length()) < length) {
      int codePoint =
          switch (random.nextInt(6)) {
            case 0 -> random.nextInt(0x110000);
            case 1 -> random.nextInt(0x10000);
            case 2 -> 0x4E00 + random.nextInt(2000);
            case 3 -> " \n\t\r\u00A0\u3000\u0000\u0085".charAt(random.nextInt(8));
            case 4 -> '0' + random.nextInt(10);
            default -> 'a' + random.nextInt(26);
          };
      if (codePoint < 0xD800 || codePoint > 0xDFFF) text.appendCodePoint(codePoint);
    }
    return text.toString();
  }

  @Claim("identity")
  @Test
  void decoding_gives_back_any_text() throws IOException {
    RandomGenerator random = random(41);
    for (ByteLevelBpe tokenizer : List.of(model("bytelevel-bpe"), model("llama3-style-bpe")))
      for (int trial = 0; trial < 3000; trial++) {
        String text = anyText(random);
        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
      }
  }

  @Claim("identity")
  @Test
  void the_pieces_of_every_pattern_join_to_the_text() {
    RandomGenerator random = random(42);
    for (PublishedPattern pattern : PublishedPattern.values())
      for (int trial = 0; trial < 1000; trial++) {
        String text = anyText(random);
        assertThat(String.join("", pattern.split(text))).isEqualTo(text);
      }
  }

  @Claim("patterns")
  @Test
  void the_scanners_cut_as_the_published_expressions_do(Proof proof) {
    RandomGenerator random = random(45);
    int pieces = 0;
    for (PublishedPattern pattern : PublishedPattern.values()) {
      // `$` is the end of the text there, and may be in front of a last line feed here
      Pattern regex =
          Pattern.compile(pattern.regex().replace("$", "\\z"), Pattern.UNICODE_CHARACTER_CLASS);
      for (int trial = 0; trial < 4000; trial++) {
        String text = trial % 2 == 0 ? anyText(random) : trickyText(random);
        List<String> cut = pattern.split(text);
        assertThat(cut)
            .as("%s on %s", pattern, text)
            .isEqualTo(regex.matcher(text).results().map(MatchResult::group).toList());
        pieces += cut.size();
      }
    }
    proof.measured("pieces compared", pieces);
  }

  /// Text of what the patterns tell apart: cases, marks, letters without case, apostrophes, spaces,
  /// line ends, numbers, symbols, and characters of two chars.
  private static String trickyText(RandomGenerator random) {
    String[] parts = {
      "a", "B", "ǅ", "ʰ", "世", "\u0301", "ß", "ſ", "'", "'s", "'LL", "'re", "'Ve", "'ſ", " ", "  ",
      "\n", "\r\n", "\t", "\u00A0", "\u3000", "\u0085", "1", "23", "٣", "Ⅷ", "½", "!", "/", "_",
      "😀", "𝐀", "𝟘", "𠮷", "\uD83D", "\uDE00", "\u200D"
    };
    var text = new StringBuilder();
    for (int i = random.nextInt(14); i > 0; i--) text.append(parts[random.nextInt(parts.length)]);
    return text.toString();
  }

  @Claim("surrogates")
  @Test
  void a_surrogate_without_its_partner_becomes_the_replacement_character() throws IOException {
    ByteLevelBpe tokenizer = model("bytelevel-bpe");
    for (String lone : new String[] {"\uD83D", "\uDE00", "\uDE00\uD83D"}) {
      String text = "a" + lone + "b";
      String replaced = "a" + "\uFFFD".repeat(lone.length()) + "b";
      assertThat(tokenizer.encode(text)).isEqualTo(tokenizer.encode(replaced));
      assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(replaced);
    }
    assertThat(tokenizer.decode(tokenizer.encode("\uD83D\uDE00"))).isEqualTo("\uD83D\uDE00");
  }

  @Claim("streaming")
  @Test
  void a_character_comes_out_with_its_last_byte() throws IOException {
    ByteLevelBpe tokenizer = model("bytelevel-bpe");
    DecodeStream decoder = tokenizer.stream();
    int[] ids = tokenizer.encode("é世😀"); // 2, 3 and 4 bytes; two of 世 are one token
    List<String> out = Arrays.stream(ids).mapToObj(decoder::next).toList();
    assertThat(out).containsExactly("", "é", "", "世", "", "", "", "😀");
    assertThat(decoder.end()).isEmpty();
    decoder.next(ids[2]);
    assertThat(decoder.end()).isEqualTo("\uFFFD");
  }

  @Claim("streaming")
  @Test
  void any_ids_decode_as_their_bytes_together_would() throws IOException {
    ByteLevelBpe tokenizer = model("bytelevel-bpe");
    RandomGenerator random = random(43);
    for (int trial = 0; trial < 500; trial++) {
      int[] ids = random.ints(20, 0, tokenizer.vocabularySize()).toArray();
      var bytes = new ByteArrayOutputStream();
      for (int id : ids) bytes.writeBytes(tokenizer.bytes(id));
      assertThat(tokenizer.decode(ids)).isEqualTo(bytes.toString(StandardCharsets.UTF_8));
    }
  }

  @Claim("order")
  @Test
  void merges_apply_in_the_order_in_which_they_were_learned() {
    // b·c was learned before a·b: abc becomes a·bc, although ab stands in front
    var merges = new BpeMerges(List.of(new Merge(1, 2, 3), new Merge(0, 1, 4)));
    assertThat(merges.apply(0, 1, 2)).containsExactly(0, 3);
    assertThat(merges.apply(0, 1, 0, 1, 2)).containsExactly(4, 0, 3);
  }

  @Claim("agreement")
  @Test
  void the_heap_finds_what_searching_anew_for_each_merge_finds() {
    RandomGenerator random = random(44);
    for (int trial = 0; trial < 300; trial++) {
      Map<Long, Merge> learned = new LinkedHashMap<>();
      for (int symbols = 3; symbols < 15; symbols++) {
        Merge merge = new Merge(random.nextInt(symbols), random.nextInt(symbols), symbols);
        learned.putIfAbsent(merge.key(), merge);
      }
      List<Merge> merges = List.copyOf(learned.values());
      int[] piece = random.ints(1 + random.nextInt(40), 0, 3).toArray();
      var bpe = new BpeMerges(merges);
      assertThat(merged(piece, bpe::scan))
          .isEqualTo(merged(piece, bpe::heap))
          .isEqualTo(bpe.apply(piece))
          .isEqualTo(bpe.search(piece))
          .isEqualTo(oneByOne(merges, piece));
    }
  }

  private static int[] merged(int[] symbols, Consumer<BpeMerges.Piece> form) {
    var piece = new BpeMerges.Piece();
    piece.reserve(symbols.length);
    for (int i = 0; i < symbols.length; i++) piece.add(symbols[i], i + 1);
    form.accept(piece);
    return Arrays.copyOf(piece.symbols, piece.length);
  }

  @Claim("agreement")
  @Test
  void looking_pieces_up_finds_what_the_steps_of_the_file_find() throws IOException {
    RandomGenerator random = random(46);
    String corpus = Files.readString(Vocabularies.model("corpus.txt"));
    for (String model : List.of("bytelevel-bpe", "llama3-style-bpe")) {
      Pipeline pipeline = TokenizerJson.read(Vocabularies.model(model));
      assertThat(pipeline.byteLevel()).isPresent();
      for (int trial = 0; trial < 1000; trial++) {
        int from = random.nextInt(corpus.length() - 300);
        String text =
            switch (trial % 3) {
              case 0 -> anyText(random);
              case 1 -> trickyText(random);
              default -> corpus.substring(from, from + 300);
            };
        int[] steps = pipeline.encode(text, false).ids();
        assertThat(pipeline.byteLevel().orElseThrow().encode(text)).as(text).isEqualTo(steps);
      }
    }
  }

  /// The definition on a list: of all pairs the one learned first, leftmost, again and again.
  private static int[] oneByOne(List<Merge> merges, int[] piece) {
    List<Integer> symbols = new ArrayList<>(Arrays.stream(piece).boxed().toList());
    for (int rank = 0; rank < merges.size(); rank++) {
      Merge merge = merges.get(rank);
      for (int i = 0; i + 1 < symbols.size(); i++)
        if (symbols.get(i) == merge.left() && symbols.get(i + 1) == merge.right()) {
          symbols.set(i, merge.merged());
          symbols.remove(i + 1);
          rank = -1; // the new symbol may be part of a pair that was learned earlier
          break;
        }
    }
    return symbols.stream().mapToInt(Integer::intValue).toArray();
  }

  @Claim("long-pieces")
  @Test
  void a_piece_of_a_million_letters_is_no_trouble() {
    // searching anew would look at 10¹² pairs: this would not end
    var merges = new BpeMerges(List.of(new Merge(0, 0, 1), new Merge(1, 1, 2)));
    assertThat(merges.apply(new int[1_000_000])).hasSize(250_000).containsOnly(2);
  }

  @Claim("long-pieces")
  @Test
  void a_megabyte_of_one_character_is_no_trouble() throws IOException {
    ByteLevelBpe tokenizer = gpt2();
    for (String one : List.of("a", " ", "\n", "世", "'", "1", "a\u0301", "😀")) {
      String text = one.repeat(1_000_000 / one.getBytes(StandardCharsets.UTF_8).length);
      assertThat(tokenizer.decode(tokenizer.encode(text)))
          .as("a megabyte of %s", one)
          .isEqualTo(text);
    }
  }

  private static ByteLevelBpe gpt2() throws IOException {
    return Vocabularies.read(
        Vocabularies.published("r50k_base.tiktoken").orElseThrow(), Tiktoken.R50K_BASE::read);
  }

  @Claim("untrusted")
  @Test
  void the_name_of_a_special_token_is_text_if_asked() throws IOException {
    ByteLevelBpe tokenizer = gpt2();
    String text = "a<|endoftext|>b";
    int end = tokenizer.addedToken("<|endoftext|>").orElseThrow();
    assertThat(tokenizer.encode(text)).hasSize(3).contains(end);
    assertThat(tokenizer.encodeOrdinary(text)).hasSizeGreaterThan(3).doesNotContain(end);
    assertThat(tokenizer.decode(tokenizer.encodeOrdinary(text))).isEqualTo(text);
  }

  @Claim("spans")
  @Test
  void tokens_of_a_byte_level_file_know_the_text_they_stand_for(Proof proof) throws IOException {
    Pipeline pipeline = TokenizerJson.read(Vocabularies.model("bytelevel-bpe"));
    RandomGenerator random = random(47);
    int tokens = 0;
    for (int trial = 0; trial < 500; trial++) {
      String text = anyText(random);
      int at = 0; // the tokens cover the text; those inside of a character share its span
      for (Token token : pipeline.encode(text, false).tokens()) {
        assertThat(token.start()).isLessThanOrEqualTo(at);
        assertThat(token.end()).isGreaterThanOrEqualTo(at).isGreaterThan(token.start());
        String part = text.substring(token.start(), token.end());
        byte[] bytes = pipeline.bytes(token.id());
        assertThat(HexFormat.of().formatHex(part.getBytes(StandardCharsets.UTF_8)))
            .contains(HexFormat.of().formatHex(bytes));
        at = token.end();
        tokens++;
      }
      assertThat(at).isEqualTo(text.length());
    }
    proof.measured("tokens", tokens);
  }

  @Claim("spans")
  @Test
  void spans_survive_normalisation() {
    AlignedText text = AlignedText.of("ﬁ é\u0323 가 Å x");
    for (UnicodeForm form : UnicodeForm.values()) {
      AlignedText made = form.apply(text);
      Form standard = Form.valueOf(form.name());
      assertThat(made.text()).isEqualTo(java.text.Normalizer.normalize(text.text(), standard));
      for (int i = 0; i < made.text().length(); i++) {
        String from = text.text().substring(made.start(i), made.end(i));
        String whole = java.text.Normalizer.normalize(from, Form.NFKD);
        String part = java.text.Normalizer.normalize(made.text().substring(i, i + 1), Form.NFKD);
        assertThat(whole).contains(part.substring(0, 1)); // made of what it says it is made of
      }
    }
    AlignedText replaced =
        new Normalizer.Sequence(
                List.of(
                    new Normalizer.Prepend("▁"),
                    new Normalizer.Replace(TextPattern.literal(" "), "▁"),
                    new Normalizer.Strip(false, true)))
            .apply(AlignedText.of("a b "));
    assertThat(replaced.text()).isEqualTo("▁a▁b▁");
    assertThat(IntStream.range(0, 5).map(replaced::start)).containsExactly(0, 0, 1, 2, 3);
    assertThat(new Normalizer.Nmt().apply(AlignedText.of("\u0001a\tb\u200B")).text())
        .isEqualTo("a b ");
    assertThat(
            new Normalizer.Sequence(List.of(UnicodeForm.NFD, new Normalizer.StripAccents()))
                .apply(AlignedText.of("Ångström"))
                .text())
        .isEqualTo("Angstrom");
    assertThat(new Normalizer.Lowercase().apply(AlignedText.of("ΣİA")).text()).isEqualTo("σi̇a");
  }

  @Claim("steps")
  @Test
  void a_split_keeps_its_matches_in_five_ways() {
    TextPattern dash = TextPattern.literal("-");
    Map<SplitBehaviour, List<String>> wanted =
        Map.of(
            SplitBehaviour.REMOVED, List.of("the", "final", "countdown"),
            SplitBehaviour.ISOLATED, List.of("the", "-", "final", "-", "-", "countdown"),
            SplitBehaviour.MERGED_WITH_PREVIOUS, List.of("the-", "final-", "-", "countdown"),
            SplitBehaviour.MERGED_WITH_NEXT, List.of("the", "-final", "-", "-countdown"),
            SplitBehaviour.CONTIGUOUS, List.of("the", "-", "final", "--", "countdown"));
    wanted.forEach((behaviour, parts) ->
        assertThat(cut(new PreTokenizer.Split(dash, behaviour, false), "the-final--countdown"))
            .isEqualTo(parts));
    assertThat(cut(new PreTokenizer.Split(dash, SplitBehaviour.REMOVED, true), "a--b"))
        .containsExactly("-", "-");
    assertThat(cut(new PreTokenizer.Digits(true), "a12b")).containsExactly("a", "1", "2", "b");
    assertThat(cut(new PreTokenizer.Digits(false), "a12b")).containsExactly("a", "12", "b");
    assertThat(cut(new PreTokenizer.Whitespace(), "it's  5€!"))
        .containsExactly("it", "'", "s", "5", "€!");
    assertThat(cut(new PreTokenizer.WhitespaceSplit(), " a\u3000b ")).containsExactly("a", "b");
    assertThat(cut(new Metaspace("▁", Prepending.ALWAYS, true), "a b")).containsExactly("▁a", "▁b");
    assertThat(cut(new Metaspace("▁", Prepending.NEVER, false), "a b")).containsExactly("a▁b");
    assertThat(cut(new PreTokenizer.ByteLevel(true, true), "é a")).containsExactly("ĠÃ©", "Ġa");
  }

  private static List<String> cut(PreTokenizer preTokenizer, String text) {
    return preTokenizer.split(AlignedText.of(text)).stream().map(AlignedText::text).toList();
  }

  @Claim("steps")
  @Test
  void an_added_token_takes_spaces_along_or_stands_alone() {
    AddedToken mask = new AddedToken(7, "<m>", true, true, true, false, false);
    AddedToken word = new AddedToken(8, "cat", false, false, false, true, false);
    AddedToken longer = new AddedToken(9, "cats!", false);
    var added = new AddedTokens(List.of(mask, word, longer));
    String text = "a  <m> b cat, cats! concat";
    assertThat(added.sections(text, true).stream().map(s -> text.substring(s.from(), s.to())))
        .containsExactly("a", "  <m> ", "b ", "cat", ", ", "cats!", " concat");
    assertThat(added.sections("<m> cat", false).stream().map(AddedTokens.Section::token))
        .containsExactly(null, word); // the name of a special token is text
  }

  @Claim("streaming")
  @Test
  void every_decoder_says_in_parts_what_it_says_at_once() {
    Decoder llama =
        new Decoder.Sequence(
            List.of(
                new Decoder.Replace(TextPattern.literal("▁"), " "),
                new Decoder.ByteFallback(),
                new Decoder.Fuse(),
                new Decoder.Strip(' ', 1, 0)));
    List<String> tokens = List.of("▁Hi", "▁", "<0xE4>", "<0xBD>", "<0xA0>", "▁a", "<0xE4>", "b");
    assertThat(decoded(llama, tokens))
        .containsExactly("Hi", " ", "", "", "", "你 a", "", "\uFFFDb", "");
    assertThat(decoded(new Decoder.Metaspace("▁", true), List.of("▁a", "▁b")))
        .containsExactly("a", " b", "");
    assertThat(decoded(new Decoder.WordPiece("##", true), List.of("un", "##able", ",", "do")))
        .containsExactly("un", "able", ",", " do", "");
    assertThat(decoded(new Decoder.BpeDecoder("</w>"), List.of("lo", "w</w>", "new</w>")))
        .containsExactly("", "lo", "w ", "new");
    assertThat(decoded(new Decoder.Ctc("<pad>", "|", true), List.of("h", "h", "<pad>", "h", "|")))
        .containsExactly("h", "", "", "h", " ", "");
    assertThat(decoded(new Decoder.Strip('x', 1, 2), List.of("xxaxxx", "x")))
        .containsExactly("xax", "", "");
    assertThat(decoded(new Decoder.Spaces(), List.of("a", "b"))).containsExactly("a", " b", "");
    assertThat(decoded(new Decoder.ByteLevel(), List.of("ä½", "ł", "世"))) // 世 is no byte
        .containsExactly("", "你", "世", "");
  }

  private static List<String> decoded(Decoder decoder, List<String> tokens) {
    DecodeStep step = decoder.open();
    List<String> out = new ArrayList<>();
    for (String token : tokens) {
      var text = new StringBuilder();
      step.accept(token, true, true, (part, _, _) -> text.append(part));
      out.add(text.toString());
    }
    var rest = new StringBuilder();
    step.end((part, _, _) -> rest.append(part));
    out.add(rest.toString());
    return out;
  }

  /// Words of characters, the last of which carries the end of the word.
  private record Classic(List<Word> words, List<String> alphabet) {
    static Classic of(Map<String, Integer> frequencies) {
      Map<String, Integer> ids = new LinkedHashMap<>();
      List<Word> words = new ArrayList<>();
      frequencies.forEach((word, frequency) -> {
        int[] characters = word.codePoints().toArray();
        int[] symbols = new int[characters.length];
        for (int i = 0; i < symbols.length; i++) {
          String end = i == symbols.length - 1 ? "</w>" : "";
          symbols[i] =
              ids.computeIfAbsent(Character.toString(characters[i]) + end, t -> ids.size());
        }
        words.add(new Word(symbols, frequency));
      });
      return new Classic(words, List.copyOf(ids.keySet()));
    }

    List<Learned> learn(BpeTraining training) {
      return training.learn(words, alphabet);
    }

    private List<String> spelling(List<Learned> learned) {
      List<String> spelling = new ArrayList<>(alphabet);
      for (Learned each : learned)
        if (each.merge().merged() == spelling.size())
          spelling.add(spelling.get(each.merge().left()) + spelling.get(each.merge().right()));
      return spelling;
    }

    /// The merges as texts.
    List<List<String>> spelled(List<Learned> learned) {
      List<String> spelling = spelling(learned);
      return learned.stream()
          .map(Learned::merge)
          .map(merge -> List.of(spelling.get(merge.left()), spelling.get(merge.right())))
          .toList();
    }

    /// A word of the list, segmented by the merges.
    List<String> segment(int word, List<Learned> learned) {
      int[] symbols =
          new BpeMerges(learned.stream().map(Learned::merge).toList())
              .apply(words.get(word).symbols());
      return Arrays.stream(symbols).mapToObj(spelling(learned)::get).toList();
    }
  }

  @Claim("classic")
  @Test
  void the_classic_example_merges_es_then_est_then_lo() {
    Map<String, Integer> words = new LinkedHashMap<>();
    words.put("low", 5);
    words.put("lower", 2);
    words.put("newest", 6);
    words.put("widest", 3);
    Classic classic = Classic.of(words);
    List<Learned> merges = classic.learn(new BpeTraining(3, 2, Ties.LEAST, true));
    assertThat(classic.spelled(merges))
        .containsExactly(List.of("e", "s"), List.of("es", "t</w>"), List.of("l", "o"));
    assertThat(merges).extracting(Learned::frequency).containsExactly(9L, 9L, 7L);
  }

  @Claim("ties")
  @Test
  void the_rule_for_ties_changes_the_vocabulary() {
    Classic classic =
        new Classic(
            List.of(new Word(new int[] {2, 3}, 2), new Word(new int[] {0, 1}, 2)),
            List.of("a", "b", "c", "d")); // "cd cd ab ab"
    for (Ties ties : Ties.values()) {
      List<Learned> learned = classic.learn(new BpeTraining(1, 1, ties, true));
      boolean least = ties == Ties.LEAST || ties == Ties.SHORTEST;
      List<String> wanted = least ? List.of("a", "b") : List.of("c", "d");
      assertThat(classic.spelled(learned)).containsExactly(wanted);
    }
  }

  @Claim("parity")
  @GoldenCases("tokenizers/bpe-training")
  void merges_of_words_are_those_of_subword_nmt(GoldenCase golden) {
    Map<String, Integer> frequencies = new LinkedHashMap<>();
    golden
        .inputs()
        .get("words")
        .properties()
        .forEach(word -> frequencies.put(word.getKey(), word.getValue().asInt()));
    Classic classic = Classic.of(frequencies);
    for (Ties ties : new Ties[] {Ties.GREATEST, Ties.LEAST}) {
      String suffix = ties == Ties.LEAST ? "_tie_least" : "";
      if (!golden.expected().has("merges" + suffix)) continue;
      List<Learned> learned =
          classic.learn(
              new BpeTraining(
                  golden.integer("num_merges"), golden.integer("min_frequency"), ties, true));
      assertThat(classic.spelled(learned))
          .isEqualTo(
              golden.expected().get("merges" + suffix).valueStream().map(BpeTest::texts).toList());
      if (ties == Ties.GREATEST)
        golden.expect(
            "counts", learned.stream().mapToInt(each -> (int) each.frequency()).toArray());
      JsonNode segments = golden.expected().path("segmented" + suffix);
      List<String> words = List.copyOf(frequencies.keySet());
      for (int i = 0; i < words.size(); i++)
        if (segments.has(words.get(i) + "</w>"))
          assertThat(classic.segment(i, learned))
              .isEqualTo(texts(segments.get(words.get(i) + "</w>")));
    }
  }

  private static List<String> texts(JsonNode list) {
    return list.valueStream().map(JsonNode::asString).toList();
  }

  @Claim("parity")
  @GoldenCases("tokenizers/bpe-training-bytes")
  void merges_of_bytes_are_those_of_minbpe(GoldenCase golden) {
    String text = golden.inputs().get("text").asString();
    // GPT-4's pattern gives the pieces of Llama 3's but for contractions in capitals
    List<String> pieces =
        golden.flag("regex") ? PublishedPattern.LLAMA3.split(text) : List.of(text);
    Map<String, Long> frequencies = new LinkedHashMap<>();
    for (String piece : pieces) frequencies.merge(piece, 1L, Long::sum);
    List<Word> words = new ArrayList<>();
    frequencies.forEach((piece, frequency) -> words.add(new Word(symbols(piece), frequency)));
    List<String> alphabet =
        IntStream.range(0, 256).mapToObj(b -> "" + ByteAlphabet.character(b)).toList();
    List<Merge> merges =
        new BpeTraining(golden.integer("merges"), 1, Ties.FIRST, false)
            .learn(words, alphabet).stream().map(Learned::merge).toList();
    int[][] wanted =
        golden
            .expected()
            .get("merges")
            .valueStream()
            .map(pair -> pair.valueStream().mapToInt(JsonNode::asInt).toArray())
            .toArray(int[][]::new);
    assertThat(merges.stream().map(merge -> new int[] {merge.left(), merge.right()}))
        .containsExactly(wanted);
    var bpe = new BpeMerges(merges);
    golden.expect(
        "ids", pieces.stream().flatMapToInt(p -> IntStream.of(bpe.apply(symbols(p)))).toArray());
  }

  private static int[] symbols(String piece) {
    byte[] utf8 = piece.getBytes(StandardCharsets.UTF_8);
    return IntStream.range(0, utf8.length).map(i -> utf8[i] & 0xFF).toArray();
  }

  @Claim("parity")
  @GoldenCases("tokenizers/hf-bytelevel-bpe")
  void ids_of_a_gpt2_style_file_are_those_of_hugging_face(GoldenCase golden) throws IOException {
    HuggingFaceCase.check(
        golden, Vocabularies.read(Vocabularies.model("bytelevel-bpe"), TokenizerJson::read));
  }

  @Claim("parity")
  @GoldenCases("tokenizers/hf-llama3-style-bpe")
  void ids_of_a_llama3_style_file_are_those_of_hugging_face(GoldenCase golden) throws IOException {
    HuggingFaceCase.check(
        golden, Vocabularies.read(Vocabularies.model("llama3-style-bpe"), TokenizerJson::read));
  }

  @Claim("parity")
  @GoldenCases("tokenizers/real-gpt2")
  void ids_of_gpt2_are_those_of_tiktoken(GoldenCase golden) throws IOException {
    assertTiktoken(golden, Tiktoken.R50K_BASE, "r50k_base.tiktoken");
  }

  @GoldenCases("tokenizers/real-p50k") // no claim of the page: the vocabulary is not always there
  void ids_of_codex_are_those_of_tiktoken(GoldenCase golden) throws IOException {
    assertTiktoken(golden, Tiktoken.P50K_BASE, "p50k_base.tiktoken");
  }

  @GoldenCases("tokenizers/real-cl100k") // no claim of the page: the vocabulary is not always there
  void ids_of_gpt4_are_those_of_tiktoken(GoldenCase golden) throws IOException {
    assertTiktoken(golden, Tiktoken.CL100K_BASE, "cl100k_base.tiktoken");
  }

  @GoldenCases("tokenizers/real-o200k") // no claim of the page: the vocabulary is not always there
  void ids_of_gpt4o_are_those_of_tiktoken(GoldenCase golden) throws IOException {
    assertTiktoken(golden, Tiktoken.O200K_BASE, "o200k_base.tiktoken");
  }

  private static void assertTiktoken(GoldenCase golden, Tiktoken kind, String name)
      throws IOException {
    Optional<Path> file = Vocabularies.published(name);
    assumeTrue(file.isPresent(), name + " is not here");
    ByteLevelBpe tokenizer = Vocabularies.read(file.get(), kind::read);
    assertOrdinary(golden, tokenizer, same());
    JsonNode bytes = golden.expected().path("token_bytes_hex");
    if (bytes.isArray())
      assertThat(
              Arrays.stream(tokenizer.encodeOrdinary(text(golden)))
                  .mapToObj(id -> HexFormat.of().formatHex(tokenizer.bytes(id))))
          .isEqualTo(texts(bytes));
  }

  @Claim("parity")
  @GoldenCases("tokenizers/gguf-vocab")
  void ids_of_vocabularies_in_gguf_files_are_those_of_llama_cpp(GoldenCase golden)
      throws IOException {
    String model = golden.text("model");
    Tokenizer tokenizer = Vocabularies.read(Vocabularies.model(model), GgufVocabulary::read);
    assertOrdinary(
        golden, tokenizer, model.contains("gpt2") ? GgufVocabulary::cleanSpaces : same());
  }

  @GoldenCases("tokenizers/real-llama3") // no claim of the page: the vocabulary is not always there
  void ids_of_llama3_are_those_of_its_reference(GoldenCase golden) throws IOException {
    assertGguf(golden, same(), "llama3.tiktoken", "ggml-vocab-llama-bpe.gguf", "llama3");
  }

  @GoldenCases(
      "tokenizers/real-deepseek-llm") // no claim of the page: the vocabulary is not always there
  void ids_of_deepseek_are_those_of_llama_cpp(GoldenCase golden) throws IOException {
    assertGguf(golden, same(), "ggml-vocab-deepseek-llm.gguf", "deepseek-llm");
  }

  @GoldenCases("tokenizers/real-falcon") // no claim of the page: the vocabulary is not always there
  void ids_of_falcon_are_those_of_llama_cpp(GoldenCase golden) throws IOException {
    assertGguf(golden, GgufVocabulary::cleanSpaces, "ggml-vocab-falcon.gguf", "falcon");
  }

  private static UnaryOperator<String> same() {
    return UnaryOperator.identity();
  }

  private static void assertGguf(GoldenCase golden, UnaryOperator<String> shown, String... names)
      throws IOException {
    Optional<Path> file = Vocabularies.published(names);
    assumeTrue(file.isPresent(), names[0] + " is not here");
    assertOrdinary(golden, Vocabularies.read(file.get(), Vocabularies::anyKind), shown);
  }

  private static String text(GoldenCase golden) {
    return golden.inputs().get("text").asString();
  }

  private static void assertOrdinary(
      GoldenCase golden, Tokenizer tokenizer, UnaryOperator<String> shown) {
    int[] ids = tokenizer.encodeOrdinary(text(golden));
    golden.expect("ids", ids);
    assertThat(shown.apply(tokenizer.decode(ids)))
        .isEqualTo(golden.expected().get("decoded").asString());
  }

  @Claim("parity")
  @GoldenCases("tokenizers/pretokenization")
  void pieces_are_those_of_the_published_patterns(GoldenCase golden) {
    PublishedPattern pattern =
        Arrays.stream(PublishedPattern.values())
            .filter(known -> known.regex().equals(golden.text("pattern")))
            .findFirst()
            .orElseThrow();
    JsonNode pieces = golden.expected().get("pieces");
    assertThat(pattern.split(golden.inputs().get("text").asString()))
        .isEqualTo(pieces.isArray() ? texts(pieces) : List.of());
  }

  @Claim("parity")
  @GoldenCases("tokenizers/byte-to-unicode")
  void bytes_are_written_as_by_gpt2(GoldenCase golden) {
    golden.expect("code_points", IntStream.range(0, 256).map(ByteAlphabet::character).toArray());
  }

  @Claim("deterministic")
  @Test
  void the_same_texts_give_the_same_vocabulary_and_a_file_keeps_it(@TempDir Path folder)
      throws IOException {
    List<String> texts =
        List.of("The cat sat on the mat.", "The dog sat on the log.", "猫坐在垫子上，狗坐在木头上。");
    ByteLevelBpe tokenizer = ByteLevelBpe.train(texts, 300, PublishedPattern.GPT2, "<|endoftext|>");
    ByteLevelBpe again = ByteLevelBpe.train(texts, 300, PublishedPattern.GPT2, "<|endoftext|>");
    assertThat(again.tokens()).isEqualTo(tokenizer.tokens());
    TokenizerJson.write(tokenizer, folder.resolve("tokenizer.json"));
    ByteLevelBpe read = TokenizerJson.readByteLevel(folder);
    assertThat(read.tokens()).isEqualTo(tokenizer.tokens());
    assertThat(read.merges()).isEqualTo(tokenizer.merges());
    assertThat(read.addedTokens()).isEqualTo(tokenizer.addedTokens());
    String text = texts.getFirst() + "<|endoftext|>" + texts.getLast();
    assertThat(read.encode(text)).isEqualTo(tokenizer.encode(text));
    int end = tokenizer.addedToken("<|endoftext|>").orElseThrow();
    assertThat(tokenizer.encode(text)).containsOnlyOnce(end);
    assertThat(tokenizer.isSpecial(end)).isTrue();
  }

  @Claim("bad-input")
  @Test
  void hostile_files_are_refused_by_name(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("tokenizer.json");
    Refusal.of(() -> TokenizerJson.read(file), "tokenizer.json", "no such file");
    String good =
        Files.readString(Vocabularies.model("bytelevel-bpe/tokenizer.json"))
            .replaceAll("(?<=[:,{\\[])\\s+(?=[-\\d\"\\[{tfn])", ""); // no space behind a colon
    Map<String[], List<String>> changes = new HashMap<>();
    changes.put(
        new String[] {"\"type\":\"BPE\"", "\"type\":\"Bigram\""},
        List.of("Bigram", "not supported"));
    changes.put(
        new String[] {"\"normalizer\":null", "\"normalizer\":{\"type\":\"NFX\"}"},
        List.of("normalizer", "NFX"));
    changes.put(
        new String[] {"\"normalizer\":null", "\"normalizer\":" + replace("[a")},
        List.of("[a", "not supported"));
    changes.put(
        new String[] {"\"normalizer\":null", "\"normalizer\":" + replace("(".repeat(99))},
        List.of("nested", "not supported"));
    changes.put(
        new String[] {"\"truncation\":null", "\"truncation\":{\"max_length\":5}"},
        List.of("truncation", "not supported"));
    changes.put(
        new String[] {"\"dropout\":null", "\"dropout\":0.1"}, List.of("dropout", "not supported"));
    changes.put(
        new String[] {"\"unk_token\":null", "\"unk_token\":\"<?>\""}, List.of("unk_token", "<?>"));
    changes.put(new String[] {"\"h e\"", "\"h e e\""}, List.of("two parts"));
    changes.put(new String[] {"\"h e\"", "\"h\""}, List.of("two parts"));
    changes.put(new String[] {"\"h e\"", "\"h qqq\""}, List.of("qqq", "not in the vocabulary"));
    changes.put(new String[] {"\"h e\"", "\"Ġ t\""}, List.of("same pair"));
    changes.put(new String[] {"\"a\":64", "\"a\":-1"}, List.of("\"a\"", "-1"));
    changes.put(new String[] {"\"a\":64", "\"a\":65"}, List.of("65", "two tokens"));
    changes.put(new String[] {"\"a\":64", "\"a\":2147483647"}, List.of("2147483647"));
    changes.put(new String[] {"\"a\":64", "\"a\":100000"}, List.of("100000"));
    changes.put(new String[] {"\"À\":124", "\"界\":124"}, List.of("not a byte-level BPE"));
    changes.put(new String[] {"\"id\":640", "\"id\":639"}, List.of("639", "<|endoftext|>"));
    for (var change : changes.entrySet()) {
      String[] replaced = change.getKey();
      assertThat(good).contains(replaced[0]);
      Files.writeString(file, good.replace(replaced[0], replaced[1]));
      Refusal.of(() -> TokenizerJson.readByteLevel(file), change.getValue().toArray(String[]::new));
    }
    Files.writeString(file, good.substring(0, 5000));
    Refusal.of(() -> TokenizerJson.read(file), "tokenizer.json", "JSON");
    Files.writeString(file, "[".repeat(100_000));
    Refusal.of(() -> TokenizerJson.read(file), "tokenizer.json", "JSON");
    Files.writeString(file, "{}");
    Refusal.of(() -> TokenizerJson.read(file), "model is missing");
  }

  private static final String BYTE_LEVEL =
      """
      {"added_tokens":[{"id":4,"content":"<e>","special":true,"lstrip":true,"normalized":false}],
       "normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Nmt"}]},
       "pre_tokenizer":{"type":"Sequence","pretokenizers":[
         {"type":"Split","pattern":{"Regex":"\\\\p{L}+|\\\\s+"},"behavior":"Isolated","invert":false},
         {"type":"Digits","individual_digits":true},
         {"type":"ByteLevel","add_prefix_space":true,"use_regex":false}]},
       "post_processor":{"type":"Sequence","processors":[
         {"type":"ByteLevel","trim_offsets":true,"add_prefix_space":true},
         {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<e>","type_id":0}},
           {"Sequence":{"id":"A","type_id":0}}],"pair":[],
          "special_tokens":{"<e>":{"id":"<e>","ids":[4],"tokens":["<e>"]}}}]},
       "decoder":{"type":"ByteLevel"},
       "model":{"type":"BPE","dropout":null,"unk_token":null,"ignore_merges":true,
         "vocab":{"H":0,"e":1,"l":2,"el":3},"merges":["e l"]}}
      """;
  private static final String SENTENCE_PIECE =
      """
      {"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},
         {"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
       "pre_tokenizer":null,
       "post_processor":{"type":"RobertaProcessing","sep":["</s>",2],"cls":["<s>",1],
         "trim_offsets":true,"add_prefix_space":false},
       "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
         {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
       "model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,
         "vocab":{"<unk>":0,"<s>":1,"</s>":2,"▁":3,"H":4,"▁H":5,"<0x65>":6},"merges":[["▁","H"]]}}
      """;
  private static final String BERT =
      """
      {"normalizer":{"type":"BertNormalizer","clean_text":true,"strip_accents":null,"lowercase":true},
       "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"BertPreTokenizer"},
         {"type":"Punctuation","behavior":"Contiguous"}]},
       "post_processor":{"type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]},
       "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
       "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
         "max_input_chars_per_word":9,"vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"h":3,"##e":4,"##llo":5}}}
      """;
  private static final String UNIGRAM =
      """
      {"normalizer":{"type":"Strip","strip_left":true,"strip_right":true},
       "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},
       "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"},
       "model":{"type":"Unigram","unk_id":0,"byte_fallback":false,
         "vocab":[["<unk>",0],["▁",-2.5],["Hello",-3.25],["l",-9e0]]}}
      """;

  private static String replace(String regex) {
    return "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"%s\"},\"content\":\"\"}"
        .formatted(regex);
  }

  @Claim("bad-input")
  @Test
  void damaged_tokenizer_files_are_read_or_refused(Proof proof) throws Exception {
    List<byte[]> good = new ArrayList<>();
    for (String steps : new String[] {BYTE_LEVEL, SENTENCE_PIECE, BERT, UNIGRAM})
      good.add(steps.getBytes(StandardCharsets.UTF_8));
    new Mutations(FormatException.class, 16 << 20, 400)
        .words(
            "null",
            "-1",
            "1e999",
            "{\"type\":",
            "\"Sequence\"",
            "\"Regex\"",
            "\\p{",
            "(((",
            "\u0000")
        .prove(
            10_000,
            good,
            random(61),
            bytes -> {
              JsonFile file = JsonFile.parse(Path.of("tokenizer.json"), bytes);
              TokenizerJson.of(file).encode("Hello world");
            },
            proof);
  }

  @Claim("bad-input")
  @Test
  void damaged_rank_files_are_read_or_refused(Proof proof) throws Exception {
    List<String> lines =
        Files.readAllLines(Vocabularies.published("r50k_base.tiktoken").orElseThrow());
    byte[] good = String.join("\n", lines.subList(0, 280)).getBytes(StandardCharsets.US_ASCII);
    new Mutations(FormatException.class, 16 << 20, 400)
        .words("\n", " ", "=", "AA==", "-1", "4194303", "99999999999")
        .prove(
            10_000,
            List.of(good),
            random(62),
            bytes ->
                Tiktoken.parse(Path.of("ranks"), bytes, PublishedPattern.GPT2, List.of())
                    .encode("Hello world"),
            proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() throws IOException {
    ByteLevelBpe tokenizer = model("bytelevel-bpe");
    Refusal.of(() -> tokenizer.decode(641), "id 641", "vocabulary of 641");
    Refusal.of(() -> tokenizer.bytes(-1), "id -1");
    Refusal.of(
        () -> ByteLevelBpe.train(List.of("a"), 256, PublishedPattern.GPT2, "<e>"), "257", "256");
    Refusal.of(() -> new BpeTraining(-1, 0, Ties.FIRST, true), "merges", "-1");
    Refusal.of(() -> new BpeTraining(1, -1, Ties.FIRST, true), "minimum", "-1");
    Refusal.of(() -> ByteAlphabet.read("\u4E00"), "4E00");
    Refusal.of(() -> new AddedToken(-1, "x", true), "id", "-1");
    Refusal.of(() -> new AddedToken(1, "", true), "added token 1");
    Refusal.of(() -> TokenizerJson.write(model("llama3-style-bpe"), Path.of("x")), "LLAMA3");
    List<String> letters = List.of("a", "b");
    Refusal.of(
        () -> new ByteLevelBpe(letters, List.of(), List.of(), PublishedPattern.GPT2, false),
        "byte 0");
  }
}
