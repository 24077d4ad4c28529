package lemma.core.tokenizer;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.tokenizer.BpeTraining.Learned;
import lemma.core.tokenizer.BpeTraining.Ties;
import lemma.core.tokenizer.BpeTraining.Word;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
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
      int[] piece = random.ints(random.nextInt(40), 0, 3).toArray();
      var bpe = new BpeMerges(merges);
      assertThat(bpe.apply(piece)).isEqualTo(bpe.search(piece)).isEqualTo(oneByOne(merges, piece));
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
    List<String> pieces = golden.flag("regex") ? PublishedPattern.LLAMA3.split(text) : List.of(text);
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
    HuggingFaceCase.check(golden, TokenizerJson.read(Vocabularies.model("bytelevel-bpe")));
  }

  @Claim("parity")
  @GoldenCases("tokenizers/hf-llama3-style-bpe")
  void ids_of_a_llama3_style_file_are_those_of_hugging_face(GoldenCase golden) throws IOException {
    HuggingFaceCase.check(golden, TokenizerJson.read(Vocabularies.model("llama3-style-bpe")));
  }

  @Claim("parity")
  @GoldenCases("tokenizers/real-gpt2")
  void ids_of_gpt2_are_those_of_tiktoken(GoldenCase golden) throws IOException {
    assertTiktoken(golden, Tiktoken.R50K_BASE, "r50k_base.tiktoken");
  }

  @Claim("parity")
  @GoldenCases("tokenizers/real-p50k")
  void ids_of_codex_are_those_of_tiktoken(GoldenCase golden) throws IOException {
    assertTiktoken(golden, Tiktoken.P50K_BASE, "p50k_base.tiktoken");
  }

  @Claim("parity")
  @GoldenCases("tokenizers/real-cl100k")
  void ids_of_gpt4_are_those_of_tiktoken(GoldenCase golden) throws IOException {
    assertTiktoken(golden, Tiktoken.CL100K_BASE, "cl100k_base.tiktoken");
  }

  @Claim("parity")
  @GoldenCases("tokenizers/real-o200k")
  void ids_of_gpt4o_are_those_of_tiktoken(GoldenCase golden) throws IOException {
    assertTiktoken(golden, Tiktoken.O200K_BASE, "o200k_base.tiktoken");
  }

  private static void assertTiktoken(GoldenCase golden, Tiktoken kind, String name)
      throws IOException {
    Optional<Path> file = Vocabularies.published(name);
    assumeTrue(file.isPresent(), name + " is not here");
    ByteLevelBpe tokenizer = kind.read(file.get());
    assertOrdinary(golden, tokenizer);
    JsonNode bytes = golden.expected().path("token_bytes_hex");
    if (bytes.isArray())
      assertThat(
              Arrays.stream(tokenizer.encodeOrdinary(text(golden)))
                  .mapToObj(id -> HexFormat.of().formatHex(tokenizer.bytes(id))))
          .isEqualTo(texts(bytes));
  }

  private static String text(GoldenCase golden) {
    return golden.inputs().get("text").asString();
  }

  private static void assertOrdinary(GoldenCase golden, Tokenizer tokenizer) {
    int[] ids = tokenizer.encodeOrdinary(text(golden));
    golden.expect("ids", ids);
    assertThat(tokenizer.decode(ids)).isEqualTo(golden.expected().get("decoded").asString());
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
        new String[] {"\"type\":\"BPE\"", "\"type\":\"Unigram\""}, List.of("BPE", "Unigram"));
    changes.put(
        new String[] {"\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}"},
        List.of("normalizer", "NFC"));
    changes.put(
        new String[] {"\"byte_fallback\":false", "\"byte_fallback\":true"},
        List.of("byte_fallback"));
    changes.put(
        new String[] {"\"add_prefix_space\":false", "\"add_prefix_space\":true"},
        List.of("add_prefix_space"));
    changes.put(new String[] {"\"lstrip\":false", "\"lstrip\":true"}, List.of("lstrip"));
    changes.put(new String[] {"\"h e\"", "\"h e e\""}, List.of("two parts"));
    changes.put(new String[] {"\"h e\"", "\"h\""}, List.of("two parts"));
    changes.put(new String[] {"\"h e\"", "\"h qqq\""}, List.of("qqq", "not in the vocabulary"));
    changes.put(new String[] {"\"h e\"", "\"Ġ t\""}, List.of("same pair"));
    changes.put(new String[] {"\"a\":64", "\"a\":-1"}, List.of("\"a\"", "-1"));
    changes.put(new String[] {"\"a\":64", "\"a\":65"}, List.of("65", "two tokens"));
    changes.put(new String[] {"\"a\":64", "\"a\":2147483647"}, List.of("2147483647"));
    changes.put(new String[] {"\"a\":64", "\"a\":100000"}, List.of("100000"));
    changes.put(new String[] {"\"À\":124", "\"界\":124"}, List.of("124", "byte alphabet"));
    changes.put(new String[] {"\"id\":640", "\"id\":639"}, List.of("639", "<|endoftext|>"));
    for (var change : changes.entrySet()) {
      String[] replaced = change.getKey();
      assertThat(good).contains(replaced[0]);
      Files.writeString(file, good.replace(replaced[0], replaced[1]));
      Refusal.of(() -> TokenizerJson.read(file), change.getValue().toArray(String[]::new));
    }
    Files.writeString(file, good.substring(0, 5000));
    Refusal.of(() -> TokenizerJson.read(file), "tokenizer.json", "JSON");
    Files.writeString(file, "[".repeat(100_000));
    Refusal.of(() -> TokenizerJson.read(file), "tokenizer.json", "JSON");
    Files.writeString(file, "{}");
    Refusal.of(() -> TokenizerJson.read(file), "model is missing");
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() throws IOException {
    ByteLevelBpe tokenizer = model("bytelevel-bpe");
    Refusal.of(() -> tokenizer.decode(641), "id 641", "vocabulary of 641");
    Refusal.of(() -> tokenizer.bytes(-1), "id -1");
    Refusal.of(() -> ByteLevelBpe.train(List.of("a"), 256, PublishedPattern.GPT2, "<e>"), "257", "256");
    Refusal.of(() -> new BpeTraining(-1, 0, Ties.FIRST, true), "merges", "-1");
    Refusal.of(() -> new BpeTraining(1, -1, Ties.FIRST, true), "minimum", "-1");
    Refusal.of(() -> ByteAlphabet.read("\u4E00"), "4E00");
    Refusal.of(() -> new AddedToken(-1, "x", true), "id", "-1");
    Refusal.of(() -> new AddedToken(1, "", true), "added token 1");
    Refusal.of(() -> TokenizerJson.write(model("llama3-style-bpe"), Path.of("x")), "LLAMA3");
    List<String> letters = List.of("a", "b");
    Refusal.of(
        () -> new ByteLevelBpe(letters, List.of(), List.of(), PublishedPattern.GPT2, false), "byte 0");
  }
}
