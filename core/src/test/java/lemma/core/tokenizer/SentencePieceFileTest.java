package lemma.core.tokenizer;

import static lemma.core.tokenizer.UnigramTest.MODELS;
import static lemma.core.tokenizer.UnigramTest.model;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.format.FormatException;
import lemma.core.format.GgufValue;
import lemma.core.format.GgufWriter;
import lemma.proof.Claim;
import lemma.proof.Mutations;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Proves("sentencepiece")
class SentencePieceFileTest {
  private static final int BLOCK = 256; // units of a trie that belong together

  @Claim("file")
  @Test
  void a_file_that_was_written_reads_as_the_same_model(@TempDir Path folder) throws IOException {
    for (String name : List.of("tiny-bpe.model", "tiny-unigram.model")) {
      SentencePieceModel model = model(name);
      Path file = folder.resolve("tokenizer.model");
      SentencePieceFile.write(model, file);
      SentencePieceModel again = SentencePieceFile.read(folder);
      assertThat(again.model().pieces()).isEqualTo(model.model().pieces());
      assertThat(again.symbols()).isEqualTo(model.symbols());
      assertThat(again.byteFallback()).isTrue();
      for (String line : Files.readAllLines(MODELS.resolve("corpus.txt")))
        assertThat(again.encode(line)).isEqualTo(model.encode(line));
      byte[] bytes = Files.readAllBytes(file);
      SentencePieceFile.write(again, file);
      assertThat(Files.readAllBytes(file)).isEqualTo(bytes);
    }
  }

  @Claim("file")
  @Test
  void a_gguf_file_holds_a_unigram_model_with_its_map(@TempDir Path folder) throws IOException {
    SentencePieceModel model = model("tiny-unigram.model");
    Path file = folder.resolve("vocabulary.gguf");
    GgufWriter.write(file, metadata(model), List.of());
    Tokenizer again = TokenizerFile.open(file);
    assertThat(again.prefix()).isEmpty();
    for (String line : Files.readAllLines(MODELS.resolve("corpus.txt")))
      assertThat(again.encode(line)).isEqualTo(model.encode(line));
    assertThat(again.decode(again.encode("ａ  ﬁ"))).isEqualTo("a fi");
  }

  private static Map<String, GgufValue> metadata(SentencePieceModel model) {
    List<GgufValue> tokens = new ArrayList<>();
    List<GgufValue> scores = new ArrayList<>();
    List<GgufValue> types = new ArrayList<>();
    for (SentencePiece piece : model.model().pieces()) {
      tokens.add(new GgufValue.Text(piece.text()));
      scores.add(new GgufValue.Real(GgufValue.Type.FLOAT32, piece.score()));
      types.add(new GgufValue.Whole(GgufValue.Type.INT32, piece.type().ordinal() + 1));
    }
    List<GgufValue> map = new ArrayList<>();
    for (byte b : model.normaliser().map().orElseThrow().toBytes())
      map.add(new GgufValue.Whole(GgufValue.Type.UINT8, b & 0xFF));
    return Map.of(
        "general.architecture", new GgufValue.Text("t5"),
        "tokenizer.ggml.model", new GgufValue.Text("t5"),
        "tokenizer.ggml.tokens", GgufValue.Array.of(GgufValue.Type.STRING, tokens),
        "tokenizer.ggml.scores", GgufValue.Array.of(GgufValue.Type.FLOAT32, scores),
        "tokenizer.ggml.token_type", GgufValue.Array.of(GgufValue.Type.INT32, types),
        "tokenizer.ggml.precompiled_charsmap", GgufValue.Array.of(GgufValue.Type.UINT8, map));
  }

  @Claim("hostile-files")
  @Test
  void damaged_files_are_refused_or_read_and_take_no_more_memory(Proof proof) throws Exception {
    // 2 MiB: objects of pieces and the two tables that look them up
    new Mutations(FormatException.class, 2 << 20, 64)
        .words(
            "\n",
            "\u0012",
            "\u0018\u0002",
            "\u00E2\u0096\u0081",
            "\u00FF\u00FF\u00FF\u00FF\u000F",
            "<0x41>")
        .prove(
            9_800,
            List.of(Files.readAllBytes(MODELS.resolve("tiny-bpe.model"))),
            random(62),
            bytes -> SentencePieceFile.read(Path.of("damaged.model"), bytes).encode(" a text, 文字"),
            proof);
  }

  @Claim("hostile-files")
  @Test
  void damaged_maps_are_refused_or_read(Proof proof) throws Exception {
    // 4 MiB: the map is a quarter of a megabyte, and is held as bytes and as numbers
    new Mutations(FormatException.class, 4 << 20, 64)
        .prove(
            400,
            List.of(Files.readAllBytes(MODELS.resolve("tiny-unigram.model"))),
            random(63),
            bytes -> {
              SentencePieceModel model = SentencePieceFile.read(Path.of("damaged.model"), bytes);
              for (int c = 0; c < 0x3000; c += 7) model.encode(Character.toString(c));
            },
            proof);
  }

  @Claim("hostile-files")
  @Test
  void a_damaged_trie_is_refused_or_no_walk_leaves_it(Proof proof) throws IOException {
    byte[] good = model("tiny-unigram.model").normaliser().map().orElseThrow().toBytes();
    int units = ByteBuffer.wrap(good).order(ByteOrder.LITTLE_ENDIAN).getInt() / Integer.BYTES;
    StringBuilder text = new StringBuilder();
    for (int c = 1; c < 0x3000; c++) text.appendCodePoint(c);
    RandomGenerator random = random(64);
    int refused = 0;
    int trials = 400;
    for (int trial = 0; trial < trials; trial++) {
      ByteBuffer blob = ByteBuffer.wrap(good.clone()).order(ByteOrder.LITTLE_ENDIAN);
      // the first units lead to all others; an offset or a value of any size, the label as it was
      int at = Integer.BYTES * (1 + random.nextInt(trial % 2 == 0 ? BLOCK : units));
      int offset = random.nextInt() << 9 >>> random.nextInt(16) << 9 & Integer.MAX_VALUE;
      int unit = blob.getInt(at);
      int value = Integer.MIN_VALUE | random.nextInt() >>> random.nextInt(1, 20);
      blob.putInt(at, unit < 0 ? value : unit & 0x1FF | offset);
      try {
        var map = new PrecompiledCharsMap(blob.array());
        map.normalise(AlignedText.of(text.toString()));
        map.normaliseByGraphemes(AlignedText.of(text.substring(0, 500)));
      } catch (IllegalArgumentException e) {
        refused++;
      }
    }
    proof.measured("damaged tries", trials);
    proof.atLeast("refused", refused, 1);
    proof.atLeast("read", trials - refused, 1);
  }

  @Claim("bad-input")
  @Test
  void bad_files_are_refused_by_name(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("tokenizer.model");
    Refusal.of(() -> SentencePieceFile.read(file), "tokenizer.model", "no such file");
    Refusal.of(() -> TokenizerFile.open(folder), "tokenizer.json", "no such file");
    refuses(file, new ProtobufWriter(), "no piece is of type unknown");
    refuses(file, with(piece("a", 1, 1)), "no piece is of type unknown");
    refuses(file, with(piece("a", 1, 2), piece("b", 1, 2)), "0 and 1", "unknown");
    refuses(file, with(unknown(), piece("a", 1, 1), piece("a", 2, 1)), "piece a", "1 and 2");
    refuses(file, with(unknown(), piece("<s>", 0, 3), piece("<s>", 0, 3)), "<s>", "twice");
    refuses(file, with(unknown(), piece("", 1, 1)), "empty");
    refuses(file, with(unknown(), piece("a", Float.NaN, 1)), "piece a", "NaN");
    refuses(file, with(unknown(), piece("a", 1, 7)), "piece 1", "type 7");
    refuses(file, with(unknown(), piece("a".repeat(5000), 1, 1)), "piece 1", "5000");
    refuses(file, with(unknown(), piece("<0x41>", 0, 6)), "byte fallback is off", "byte 65");
    refuses(file, with(unknown(), piece("<0xXY>", 0, 6)), "<0xXY>");
    refuses(file, with(unknown()).message(2, new ProtobufWriter().flag(35, true)), "byte 0");
    refuses(file, with(unknown()).message(2, new ProtobufWriter().integer(3, 4)), "model_type 4");
    refuses(file, with(unknown()).message(3, new ProtobufWriter().bytes(2, new byte[9])), "map");
    refuses(
        file,
        with(unknown()).message(5, new ProtobufWriter().bytes(2, new byte[9])),
        "denormalizer_spec");
    refuses(file, with(unknown()).number(1, 0), "field 1", "wire type 5");
    refuses(file, new ProtobufWriter().bytes(1, new byte[] {10, 1, (byte) 0xFF}), "UTF-8");
    Files.write(file, new byte[] {10, 100});
    Refusal.of(() -> SentencePieceFile.read(file), "ends in the middle", "0 bytes left of 100");
    Files.write(file, "\u00FF".repeat(12).getBytes(StandardCharsets.ISO_8859_1));
    Refusal.of(() -> SentencePieceFile.read(file), "more than 10 bytes");
    Files.write(file, new byte[] {11});
    Refusal.of(() -> SentencePieceFile.read(file), "field 1", "wire type 3");
  }

  private static ProtobufWriter unknown() {
    return piece("<unk>", 0, 2);
  }

  private static ProtobufWriter piece(String text, float score, int type) {
    return new ProtobufWriter().text(1, text).number(2, score).integer(3, type);
  }

  private static ProtobufWriter with(ProtobufWriter... pieces) {
    var model = new ProtobufWriter();
    for (ProtobufWriter piece : pieces) model.message(1, piece);
    return model;
  }

  private static void refuses(Path file, ProtobufWriter message, String... words)
      throws IOException {
    Files.write(file, message.toBytes());
    Refusal.of(() -> SentencePieceFile.read(file), words);
  }

  @Claim("folder")
  @Test
  void a_folder_with_only_a_model_file_is_a_tokenizer(@TempDir Path folder) throws IOException {
    assertThat(TokenizerFile.find(folder)).isEmpty();
    Files.copy(MODELS.resolve("tiny-bpe.model"), folder.resolve("tokenizer.model"));
    assertThat(TokenizerFile.find(folder)).isPresent();
    Path weights = Files.write(folder.resolve("model.safetensors"), new byte[8]);
    assertThat(TokenizerFile.open(weights)).isInstanceOf(SentencePieceModel.class);
    Tokenizer tokenizer = TokenizerFile.open(folder);
    assertThat(tokenizer.encode("a")).containsExactly(261);
    assertThat(tokenizer.prefix()).containsExactly(1);
    Path index = Files.writeString(folder.resolve("model.safetensors.index.json"), "{}");
    assertThat(TokenizerFile.open(index).prefix()).containsExactly(1);
    Path config = folder.resolve("tokenizer_config.json");
    Files.writeString(config, "{\"add_bos_token\": false}");
    assertThat(TokenizerFile.open(folder).prefix()).isEmpty();
    Files.copy(
        Vocabularies.model("llama3-style-bpe/tokenizer.json"), folder.resolve("tokenizer.json"));
    assertThat(TokenizerFile.open(folder)).isInstanceOf(Pipeline.class);
  }
}
