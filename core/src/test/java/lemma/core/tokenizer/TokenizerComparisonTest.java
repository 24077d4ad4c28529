package lemma.core.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import lemma.core.tokenizer.TokenizerComparison.Sample;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Five kinds of tokenizer, trained on the same text to about the same size.
@Proves("tokenizer-comparison")
class TokenizerComparisonTest {
  record Named(String name, Tokenizer tokenizer) {
    TokenizerComparison of(Sample sample) {
      return TokenizerComparison.of(tokenizer, sample.text());
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static Path models;
  private static Named byteLevel;
  private static Named sentencePiece;
  private static Named unigram;
  private static Named wordPiece;
  private static Named bytes;
  private static List<String> corpus;

  @BeforeAll
  static void read() throws IOException, URISyntaxException {
    models =
        Path.of(TokenizerComparisonTest.class.getResource("/golden/tokenizers/models").toURI());
    byteLevel = open("byte-level BPE", "bytelevel-bpe");
    sentencePiece = open("SentencePiece BPE", "tiny-bpe.model");
    unigram = open("Unigram", "tiny-unigram.model");
    wordPiece = open("WordPiece", "wordpiece");
    corpus = Files.readString(models.resolve("corpus.txt")).lines().toList();
    bytes = new Named("bytes", trained(256));
  }

  private static Named open(String name, String file) throws IOException {
    return new Named(name, TokenizerFile.open(models.resolve(file)));
  }

  private static ByteLevelBpe trained(int vocabularySize) {
    return ByteLevelBpe.train(corpus, vocabularySize, PublishedPattern.GPT2);
  }

  private static List<Named> all() {
    return List.of(bytes, byteLevel, sentencePiece, unigram, wordPiece);
  }

  private static String text(Sample sample) {
    return sample.text();
  }

  @Claim("table")
  @Test
  void lengths_of_the_same_text_in_five_tokenizers(Proof proof) {
    for (Sample sample : Sample.values())
      for (Named each : all())
        proof.measured(
            sample.name().toLowerCase(java.util.Locale.ROOT) + ", " + each,
            each.of(sample).tokens());
    for (Named each : List.of(byteLevel, sentencePiece, unigram, wordPiece))
      assertThat(each.tokenizer().vocabularySize()).as(each.name()).isBetween(600, 900);
    for (Named each : List.of(byteLevel, sentencePiece, unigram))
      assertThat(each.of(Sample.ENGLISH).tokens())
          .isLessThan(bytes.of(Sample.ENGLISH).tokens() * 2 / 3);
  }

  @Claim("lossless")
  @Test
  void what_stores_bytes_gives_every_text_back_and_what_normalises_does_not() {
    for (Sample sample : Sample.values())
      for (Named each : List.of(bytes, byteLevel, sentencePiece))
        assertThat(each.of(sample).comesBack()).as(each + " " + sample).isTrue();
    assertThat(unigram.of(Sample.CHINESE).comesBack()).isFalse(); // full-width comma made narrow
    assertThat(unigram.tokenizer().decode(unigram.tokenizer().encode("好，"))).isEqualTo("好,");
    assertThat(unigram.of(Sample.CODE).comesBack()).isFalse(); // the indentation is one space
    assertThat(unigram.tokenizer().decode(unigram.tokenizer().encode("{\n    x"))).isEqualTo("{ x");
    for (Sample sample : Sample.values())
      assertThat(wordPiece.of(sample).comesBack()).isFalse(); // lower case, no spaces
  }

  @Claim("unknown")
  @Test
  void wordpiece_has_no_token_for_what_it_has_not_seen_the_others_spell_bytes(Proof proof) {
    int unknown = wordPiece.tokenizer().addedToken("[UNK]").orElseThrow();
    int[] ids = wordPiece.tokenizer().encode(text(Sample.EMOJI));
    proof.atLeast(
        "unknown tokens for emoji", Arrays.stream(ids).filter(i -> i == unknown).count(), 2);
    assertThat(wordPiece.of(Sample.EMOJI).tokens()) // short because it has lost the text
        .isLessThan(byteLevel.of(Sample.EMOJI).tokens());
    for (Named each : List.of(byteLevel, sentencePiece, unigram))
      assertThat(each.of(Sample.EMOJI).comesBack()).isTrue();
  }

  @Claim("script")
  @Test
  void a_chinese_character_costs_several_times_an_english_one(Proof proof) {
    for (Named each : List.of(byteLevel, sentencePiece, unigram))
      proof.atLeast(
          "tokens a character, Chinese to English",
          each.of(Sample.CHINESE).fertility() / each.of(Sample.ENGLISH).fertility(),
          2);
    assertThat(bytes.of(Sample.CHINESE).fertility()).isEqualTo(3); // UTF-8
  }

  @Claim("code")
  @Test
  void byte_level_tokens_keep_indentation_that_unigram_saves_by_dropping() {
    int tight = byteLevel.tokenizer().encode("{\nx").length;
    int wide = byteLevel.tokenizer().encode("{\n                x").length;
    assertThat(wide).isGreaterThan(tight);
    assertThat(unigram.tokenizer().encode("{\n                x"))
        .isEqualTo(unigram.tokenizer().encode("{\nx"));
    assertThat(unigram.of(Sample.CODE).tokens()).isLessThan(byteLevel.of(Sample.CODE).tokens());
  }

  @Claim("size")
  @Test
  void a_larger_vocabulary_makes_its_own_text_shorter_with_diminishing_returns(Proof proof) {
    int[] sizes = {256, 384, 512, 640, 768, 896};
    String text = String.join("\n", corpus);
    List<Integer> lengths = new ArrayList<>();
    for (int size : sizes) lengths.add(trained(size).encode(text).length);
    for (int i = 1; i < sizes.length; i++)
      assertThat(lengths.get(i)).isLessThan(lengths.get(i - 1));
    int first = lengths.get(0) - lengths.get(1);
    int last = lengths.get(4) - lengths.get(5);
    proof.atLeast("tokens saved by the first 128 merges, to the fifth", (double) first / last, 3);
    assertThat(lengths.get(0)).isEqualTo(text.getBytes(StandardCharsets.UTF_8).length);
  }

  @Claim("bound")
  @Test
  void a_byte_level_tokenizer_never_needs_more_tokens_than_bytes() {
    Stream.concat(corpus.stream(), Arrays.stream(Sample.values()).map(Sample::text))
        .filter(text -> !text.isEmpty())
        .forEach(text -> {
          var comparison = TokenizerComparison.of(byteLevel.tokenizer(), text);
          assertThat(comparison.tokens()).isLessThanOrEqualTo(comparison.bytes());
          assertThat(comparison.compression()).isGreaterThanOrEqualTo(1);
        });
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> TokenizerComparison.of(bytes.tokenizer(), ""), "text");
  }
}
