package lemma.docs.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lemma.core.format.Checkpoint;
import lemma.core.format.CheckpointLayouts;
import lemma.core.format.ElementType;
import lemma.core.format.FloatFormat;
import lemma.core.format.Gguf;
import lemma.core.format.Safetensors;
import lemma.core.format.SafetensorsWriter;
import lemma.core.format.StoredTensor;
import lemma.docs.ProjectHome;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `./lemma convert` and `./lemma inspect` on files of every kind.
@DisplayNameGeneration(ReplaceUnderscores.class)
class ConvertCommandTest {
  private static final ProjectHome HOME = ProjectHome.find();
  private static final Path MODEL = HOME.path("core", "models", "storyteller");
  private static final Path TORCH =
      HOME.path("core", "src", "test", "resources", "lemma", "core", "format", "protocol-2.pt");

  @TempDir Path folder;
  private String out;
  private String err;

  private int run(Object... arguments) {
    var stdout = new ByteArrayOutputStream();
    var stderr = new ByteArrayOutputStream();
    int exit =
        Lemma.run(
            Stream.of(arguments).map(Object::toString).toArray(String[]::new),
            new PrintStream(stdout, true, StandardCharsets.UTF_8),
            new PrintStream(stderr, true, StandardCharsets.UTF_8));
    out = stdout.toString(StandardCharsets.UTF_8);
    err = stderr.toString(StandardCharsets.UTF_8);
    return exit;
  }

  private void done(Object... arguments) {
    assertThat(run(arguments)).as(err).isEqualTo(Lemma.OK);
    assertThat(err).isEmpty();
  }

  private void refused(String message, Object... arguments) {
    assertThat(run(arguments)).isEqualTo(Lemma.REFUSED);
    assertThat(err.lines()).hasSize(1);
    assertThat(err).contains(message);
  }

  private JsonNode inspect(Path path) {
    done("inspect", path, "--json");
    return JsonMapper.shared().readTree(out);
  }

  private static void assertSameNumbers(Checkpoint got, Checkpoint expected) {
    assertThat(got.tensors().keySet()).isEqualTo(expected.tensors().keySet());
    for (StoredTensor tensor : expected.tensors().values())
      assertThat(got.tensor(tensor.name()).toFloats())
          .as(tensor.name())
          .isEqualTo(tensor.toFloats());
  }

  @BeforeEach
  void nothing_said() {
    out = "";
    err = "";
  }

  @Test
  void a_folder_becomes_a_gguf_file_and_a_folder_again() throws IOException {
    Path file = folder.resolve("model.gguf");
    done("convert", MODEL, file);
    JsonNode contents = inspect(file);
    assertThat(contents.get("format").asString()).isEqualTo("GGUF version 3, little-endian");
    assertThat(contents.get("metadata").get("general.architecture").asString()).isEqualTo("llama");
    assertThat(contents.get("metadata").get("llama.block_count").asInt()).isEqualTo(5);
    assertThat(contents.get("metadata").get("tokenizer.ggml.tokens").get("size").asInt())
        .isEqualTo(2048);
    assertThat(contents.get("tensors").get(0).get("name").asString())
        .isEqualTo("token_embd.weight");
    done("inspect", file);
    assertThat(out).contains("blk.4.ffn_down.weight", "tokenizer.ggml.tokens = 2048 × STRING");
    done("convert", file, folder.resolve("again"));
    assertThat(inspect(folder.resolve("again")).get("format").asString()).isEqualTo("safetensors");
    Checkpoint original = Checkpoint.open(MODEL);
    assertSameNumbers(Checkpoint.open(folder.resolve("again")), original);
    assertThat(folder.resolve("again").resolve("config.json")).exists();
  }

  @ParameterizedTest
  @EnumSource
  void matrices_take_the_type_that_was_asked_for(ConvertCommand.Type type) throws IOException {
    Path file = folder.resolve("model.gguf");
    done("convert", MODEL, file, "--type", type);
    ElementType expected = type.elements();
    assertThat(out.contains("another type")).isEqualTo(expected.blockSize() == 256);
    if (expected.blockSize() == 256) expected = ElementType.Q8_0; // rows of 128 and 352
    assertThat(Gguf.open(file).tensor("blk.0.attn_q.weight").type()).isEqualTo(expected);
    assertThat(Gguf.open(file).tensor("blk.0.attn_norm.weight").type()).isEqualTo(ElementType.F32);
    Path single = folder.resolve("model.safetensors");
    if (type.elements().blockSize() > 1) {
      refused("safetensors has no blocks", "convert", MODEL, single, "--type", type);
      done("convert", file, single); // blocks are widened
      assertThat(Safetensors.open(single).tensor("model.norm.weight").type())
          .isEqualTo(ElementType.F32);
    } else {
      done("convert", MODEL, single, "--type", type);
      for (StoredTensor tensor : Safetensors.open(single).tensors().values())
        assertThat(tensor.type()).isEqualTo(type.elements());
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).allMatch(path -> path.toString().matches(".*\\.(gguf|safetensors)"));
    }
  }

  @Test
  void a_model_is_cut_into_files_of_a_size() throws IOException {
    done("convert", MODEL, folder.resolve("cut"), "--shard-size", "500KB");
    assertThat(folder.resolve("cut").resolve("model.safetensors.index.json")).exists();
    assertThat(folder.resolve("cut").resolve("tokenizer.json")).exists();
    assertSameNumbers(Checkpoint.open(folder.resolve("cut")), Checkpoint.open(MODEL));
    JsonNode contents = inspect(folder.resolve("cut"));
    assertThat(contents.get("totals").get("tensors").asInt())
        .isEqualTo(Checkpoint.open(MODEL).tensors().size());
    refused("is there already", "convert", MODEL, folder.resolve("cut"));
    done("convert", MODEL, folder.resolve("cut"), "--overwrite");
    assertThat(folder.resolve("cut").resolve("model.safetensors.index.json")).doesNotExist();
    refused("must be like 5GB", "convert", MODEL, folder.resolve("x"), "--shard-size", "many");
  }

  @Test
  void a_pytorch_file_becomes_safetensors_or_gguf() throws IOException {
    JsonNode contents = inspect(TORCH);
    assertThat(contents.get("format").asString()).isEqualTo("PyTorch");
    assertThat(contents.get("tensors").get(1).get("shape").toString()).isEqualTo("[3,2]");
    done("convert", TORCH, folder.resolve("x.safetensors"), "--json");
    assertThat(JsonMapper.shared().readTree(out).get("tensors").asInt()).isEqualTo(6);
    Safetensors written = Safetensors.open(folder.resolve("x.safetensors"));
    assertThat(written.tensor("linear.transposed").toDoubles()).containsExactly(0, 3, 1, 4, 2, 5);
    assertThat(written.tensor("count").type()).isEqualTo(ElementType.I64);
    done("convert", TORCH, folder.resolve("x.gguf"), "--type", "F16");
    assertThat(Gguf.open(folder.resolve("x.gguf")).tensor("linear.weight").type())
        .isEqualTo(ElementType.F16);
  }

  @Test
  void stable_diffusion_changes_its_layout() throws IOException {
    List<StoredTensor> tensors = new ArrayList<>();
    for (CheckpointLayouts.Part part : CheckpointLayouts.Part.values())
      for (String name : CheckpointLayouts.names(part).values())
        tensors.add(
            StoredTensor.of(
                name, new double[] {tensors.size()}, new int[] {1, 1, 1, 1}, FloatFormat.F32));
    tensors.add(StoredTensor.of("betas", new double[1], new int[] {1}, FloatFormat.F32));
    Path single = folder.resolve("single.safetensors");
    SafetensorsWriter.write(single, tensors, Map.of());
    done("convert", single, folder.resolve("parts"));
    assertThat(out).contains("1130 tensors", "left out", "betas");
    assertThat(inspect(folder.resolve("parts")).get("totals").get("tensors").asInt())
        .isEqualTo(1130);
    assertThat(out).contains("unet/up_blocks.3.attentions.2.proj_out.weight");
    done("convert", folder.resolve("parts"), folder.resolve("again.safetensors"));
    Safetensors before = Safetensors.open(single);
    for (StoredTensor tensor :
        Safetensors.open(folder.resolve("again.safetensors")).tensors().values())
      assertThat(tensor.toDoubles()).isEqualTo(before.tensor(tensor.name()).toDoubles());
  }

  @Test
  void what_cannot_be_converted_is_said_in_one_line() throws IOException {
    refused("no such file", "convert", folder.resolve("none"), folder.resolve("x.gguf"));
    Path text = Files.writeString(folder.resolve("text.bin"), "no weights at all");
    refused("text.bin", "convert", text, folder.resolve("x.safetensors"));
    refused("text.bin", "inspect", text);
    refused("the same", "convert", text, text, "--overwrite");
    refused("no folder", "convert", MODEL, folder.resolve("none").resolve("x.gguf"));
    refused("'Q9'", "convert", MODEL, folder.resolve("x.gguf"), "--type", "Q9");
    assertThat(folder.resolve("x.gguf")).doesNotExist();
  }
}
