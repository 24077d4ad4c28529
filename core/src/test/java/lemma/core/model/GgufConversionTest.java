package lemma.core.model;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lemma.core.format.Checkpoint;
import lemma.core.format.ElementType;
import lemma.core.format.FloatFormat;
import lemma.core.format.Gguf;
import lemma.core.format.GgufWriter;
import lemma.core.format.JsonFile;
import lemma.core.format.SafetensorsWriter;
import lemma.core.format.StoredTensor;
import lemma.core.position.Rope;
import lemma.core.tokenizer.GgufVocabulary;
import lemma.core.tokenizer.SentencePieceFile;
import lemma.core.tokenizer.SentencePieceModel;
import lemma.core.tokenizer.Tokenizer;
import lemma.core.tokenizer.TokenizerFile;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("gguf")
@DisplayNameGeneration(ReplaceUnderscores.class)
class GgufConversionTest {
  private static final Set<String> FAMILY = Set.of("llama", "mistral", "mixtral", "qwen2", "qwen3");

  @TempDir Path out;

  private static Path checkpoints() {
    try {
      String replacement = System.getProperty("golden.dir");
      return replacement == null
          ? Path.of(GgufConversionTest.class.getResource("/golden/core/checkpoints").toURI())
          : Path.of(replacement, "core", "checkpoints");
    } catch (java.net.URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static Stream<Path> folders() throws IOException {
    if (!Files.isDirectory(checkpoints())) return Stream.empty();
    try (Stream<Path> folders = Files.list(checkpoints())) {
      return folders
          .filter(folder -> Files.exists(folder.resolve("config.json")))
          .filter(GgufConversionTest::isOfFamily)
          .sorted()
          .toList()
          .stream();
    }
  }

  private static boolean isOfFamily(Path folder) {
    try {
      return FAMILY.contains(JsonFile.read(folder.resolve("config.json")).text("model_type"));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private Path write(GgufExport export) throws IOException {
    Path file = out.resolve("model.gguf");
    GgufWriter.writeSources(file, export.metadata(), export.tensors(), ByteOrder.LITTLE_ENDIAN);
    return file;
  }

  /// The reference files hold the weights of the folder `llama`; their blocks were made by ggml.
  @Claim("conversion")
  @ParameterizedTest(allowZeroInvocations = true)
  @CsvSource({"F32, 0", "F16, 1", "Q8_0, 7", "Q4_0, 2"})
  void a_folder_becomes_the_file_of_the_reference_bit_by_bit(ElementType type, int fileType)
      throws IOException {
    Path reference = checkpoints().resolve("llama-gguf").resolve("model-" + type + ".gguf");
    Path folder = checkpoints().resolve("llama");
    if (!Files.exists(reference) || !Files.exists(folder)) return;
    Gguf expected = Gguf.open(reference);
    Gguf written = Gguf.open(write(GgufExport.of(folder).as(type)));
    assertThat(written.entries().keySet()).isEqualTo(expected.entries().keySet());
    for (StoredTensor tensor : expected.tensors().values()) {
      StoredTensor ours = written.tensor(tensor.name());
      assertThat(ours.type()).as(tensor.name()).isEqualTo(tensor.type());
      assertThat(ours.shape()).as(tensor.name()).isEqualTo(tensor.shape());
      assertThat(ours.bytes().mismatch(tensor.bytes())).as(tensor.name()).isEqualTo(-1);
    }
    expected
        .metadata()
        .forEach((key, value) -> {
          if (!key.startsWith("tokenizer.") && !key.equals("general.name"))
            if (!key.equals("general.alignment") && !key.equals("general.quantization_version"))
              assertThat(written.metadata()).containsEntry(key, value);
        });
    assertThat(written.integer("general.file_type")).isEqualTo(fileType);
  }

  @Claim("conversion")
  @ParameterizedTest(allowZeroInvocations = true)
  @MethodSource("folders")
  void there_and_back_every_weight_is_the_same(Path folder, Proof proof) throws IOException {
    Path file = write(GgufExport.of(folder));
    GgufImport back = GgufImport.of(Gguf.open(file));
    SafetensorsWriter.writeSources(out.resolve("model.safetensors"), back.tensors(), Map.of());
    Checkpoint original = Checkpoint.open(folder);
    Checkpoint again = Checkpoint.open(out.resolve("model.safetensors"));
    assertThat(again.tensors().keySet())
        .isEqualTo(
            original.tensors().keySet().stream()
                .filter(name -> back.config().weightShapes().containsKey(name))
                .collect(Collectors.toSet()));
    for (StoredTensor tensor : again.tensors().values())
      assertThat(tensor.toFloats())
          .as(tensor.name())
          .isEqualTo(original.tensor(tensor.name()).toFloats());
    proof.measured("tensors", again.tensors().size());
  }

  @Claim("conversion")
  @ParameterizedTest(allowZeroInvocations = true)
  @MethodSource("folders")
  void the_file_computes_what_the_folder_computes(Path folder, Proof proof) throws IOException {
    Path file = write(GgufExport.of(folder));
    int[] prompt = {1, 5, 9, 2, 7, 3, 11, 8, 60, 61, 62, 63};
    float[] expected = Llama.load(folder).open().append(prompt);
    float[] got = Llama.load(file).open().append(prompt);
    assertThat(got).hasSameSizeAs(expected);
    for (int i = 0; i < got.length; i++) // frequencies and epsilon became float32
    proof.atMost("|Δ| of a logit", Math.abs(got[i] - expected[i]), 1e-4);
  }

  @Claim("vocabulary")
  @Test
  void a_byte_level_vocabulary_goes_along_and_another_is_left_out() throws IOException {
    Path storyteller = Path.of("models", "storyteller");
    Gguf file = Gguf.open(write(GgufExport.of(storyteller)));
    assertThat(file.text("tokenizer.ggml.model")).isEqualTo("gpt2");
    assertThat(file.text("tokenizer.ggml.pre")).isEqualTo("gpt-2");
    JsonFile json = JsonFile.read(storyteller.resolve("tokenizer.json"));
    List<String> tokens = file.texts("tokenizer.ggml.tokens");
    json.object("model")
        .object("vocab")
        .root()
        .properties()
        .forEach(
            entry -> assertThat(tokens.get(entry.getValue().asInt())).isEqualTo(entry.getKey()));
    assertThat(tokens.get(2047)).isEqualTo("<|endoftext|>");
    int[] types = file.integers("tokenizer.ggml.token_type");
    assertThat(types[2047]).as("a control token").isEqualTo(3);
    assertThat(types[0]).isEqualTo(1);
    assertThat(file.texts("tokenizer.ggml.merges")).startsWith("h e", "Ġ t").hasSize(1791);
    assertThat(file.integer("tokenizer.ggml.eos_token_id")).isEqualTo(2047);

    Files.copy(storyteller.resolve("config.json"), out.resolve("config.json"));
    Files.copy(storyteller.resolve("model.safetensors"), out.resolve("model.safetensors"));
    Files.writeString(
        out.resolve("tokenizer.json"),
        Files.readString(storyteller.resolve("tokenizer.json")).replace("ByteLevel", "Metaspace"));
    Gguf without = Gguf.open(write(GgufExport.of(out)));
    assertThat(without.text("tokenizer.ggml.model")).isEqualTo("no_vocab");
    assertThat(without.has("tokenizer.ggml.tokens")).isFalse();
  }

  @Claim("vocabulary")
  @Test
  void the_tokenizer_of_the_file_cuts_texts_like_that_of_the_folder() throws Exception {
    Path storyteller = Path.of("models", "storyteller");
    Gguf file = Gguf.open(write(GgufExport.of(storyteller)));
    sameTokens(TokenizerFile.open(storyteller), GgufVocabulary.of(file));

    Path pieces =
        Path.of(
            GgufConversionTest.class
                .getResource("/golden/tokenizers/models/tiny-bpe.model")
                .toURI());
    SentencePieceModel model = SentencePieceFile.read(pieces);
    int rows = model.vocabularySize() + 3; // tables are often filled up to a round number
    LlamaConfig small =
        new LlamaConfig(
            rows, 8, 8, 1, 2, 1, 4, 16, 1e-5, Rope.llama(4, 1e4), LlamaConfig.Variant.TIED);
    Llama.initialise(small, random(1)).save(out, FloatFormat.F32);
    Files.copy(pieces, out.resolve("tokenizer.model"));
    Gguf withPieces = Gguf.open(write(GgufExport.of(out)));
    assertThat(withPieces.texts("tokenizer.ggml.tokens")).hasSize(rows);
    Tokenizer there = GgufVocabulary.of(withPieces);
    for (String text : TEXTS)
      assertThat(there.encodeOrdinary(text)).as(text).isEqualTo(model.encodeOrdinary(text));
  }

  private static final List<String> TEXTS =
      List.of("Once upon a time", "", " two  spaces\n", "naïve 词 \uD83D\uDE00", "don't <s> 2026!");

  private static void sameTokens(Tokenizer expected, Tokenizer got) {
    for (String text : TEXTS)
      assertThat(got.encode(text)).as(text).isEqualTo(expected.encode(text));
  }

  @Claim("conversion")
  @Test
  void rows_that_are_no_whole_blocks_get_a_smaller_block() throws IOException {
    Path storyteller = Path.of("models", "storyteller"); // rows of 128 and 352
    Gguf file = Gguf.open(write(GgufExport.of(storyteller).as(ElementType.Q4_K)));
    assertThat(file.tensor("blk.0.attn_q.weight").type()).isEqualTo(ElementType.Q8_0);
    assertThat(file.tensor("blk.0.attn_norm.weight").type()).isEqualTo(ElementType.F32);
    assertThat(file.integer("general.quantization_version")).isEqualTo(2);
  }

  @Claim("bad-input")
  @Test
  void what_is_no_model_of_the_family_is_refused() throws IOException {
    Path file = out.resolve("x.gguf");
    GgufWriter.write(file, Map.of(), List.of());
    Refusal.of(() -> GgufImport.of(Gguf.open(file)), "general.architecture", "missing");
    Refusal.of(() -> GgufExport.of(out), "config.json");
    Path config = out.resolve("config.json");
    Files.writeString(config, "{\"model_type\":\"mamba\"}");
    Refusal.of(() -> GgufExport.of(out), "mamba");
    GgufImport back = GgufImport.of(Gguf.open(write(GgufExport.of(Path.of("models/storyteller")))));
    back.writeConfig(FloatFormat.F16, config);
    assertThat(JsonFile.read(config).text("model_type")).isEqualTo("llama");
  }
}
