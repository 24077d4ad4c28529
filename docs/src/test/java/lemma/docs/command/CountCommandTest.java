package lemma.docs.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import lemma.docs.ProjectHome;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@DisplayNameGeneration(ReplaceUnderscores.class)
class CountCommandTest {
  private static final String LLAMA_2_7B =
      """
      {"model_type": "llama", "vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008,
       "num_hidden_layers": 32, "num_attention_heads": 32, "max_position_embeddings": 4096}
      """;

  private record Said(int exit, String out, String err) {}

  private static Said run(String... arguments) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int exit =
        Lemma.run(
            arguments,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Said(
        exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void counts_a_published_configuration_without_its_weights(@TempDir Path folder)
      throws IOException {
    Path file = Files.writeString(folder.resolve("llama-2-7b.json"), LLAMA_2_7B);
    Said said = run("count", file.toString());
    assertThat(said.err()).isEmpty();
    assertThat(said.exit()).isEqualTo(Lemma.OK);
    assertThat(said.out()).contains("6,738,415,616 parameters", "524,288", "107.81");
    assertThat(said.out().lines()).allMatch(line -> line.length() <= 100);
  }

  @Test
  void prints_the_same_as_json(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("config.json"), LLAMA_2_7B);
    Said said = run("count", folder.toString(), "--json", "--gpus", "64", "--rank", "8");
    JsonNode report = JsonMapper.shared().readTree(said.out());
    assertThat(report.get("parameters").asLong()).isEqualTo(6_738_415_616L);
    assertThat(report.at("/cache16Bit/bytesPerToken").asInt()).isEqualTo(524_288);
    assertThat(report.at("/training/3/total").asLong()).isEqualTo(16L * 6_738_415_616L / 64);
    assertThat(report.at("/training/4/gradients").asLong()).isEqualTo(2 * 19_988_480);
  }

  @Test
  void counts_the_shipped_model_and_every_family_of_checkpoints() throws IOException {
    ProjectHome home = ProjectHome.find();
    assertThat(run("count", home.path("core", "models", "storyteller").toString()).exit())
        .isEqualTo(Lemma.OK);
    Path checkpoints =
        home.path("core", "src", "test", "resources", "golden", "core", "checkpoints");
    for (String name : new String[] {"bert", "gpt2", "mixtral", "t5", "qwen3", "llama-gguf"}) {
      Path path = checkpoints.resolve(name);
      if (name.endsWith("gguf"))
        try (var files = Files.list(path)) {
          path = files.filter(file -> file.toString().endsWith(".gguf")).findFirst().orElseThrow();
        }
      Said said = run("count", path.toString());
      assertThat(said.err()).as(name).isEmpty();
      assertThat(said.out()).as(name).contains("parameters", "LoRA");
    }
  }

  @Test
  void says_in_one_line_what_is_wrong(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("x.json"), "{\"model_type\": \"mamba\"}");
    Said said = run("count", file.toString());
    assertThat(said.exit()).isEqualTo(Lemma.REFUSED);
    assertThat(said.err().lines()).hasSize(1).first().asString().contains("mamba", "gpt2");
    assertThat(run("count", file.toString(), "--rank", "0").err()).contains("mamba");
    Path good = Files.writeString(folder.resolve("y.json"), LLAMA_2_7B);
    assertThat(run("count", good.toString(), "--rank", "0").err()).contains("rank");
    assertThat(run("count", good.toString(), "--gpus", "0").err()).contains("devices");
    assertThat(run("count", good.toString(), "--context", "0").err()).contains("sequence");
    assertThat(run("count", "no.gguf").exit()).isEqualTo(Lemma.REFUSED);
  }
}
