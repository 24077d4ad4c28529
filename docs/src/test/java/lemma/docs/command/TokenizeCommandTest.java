package lemma.docs.command;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lemma.core.tokenizer.SentencePiece;
import lemma.core.tokenizer.SentencePiece.Type;
import lemma.core.tokenizer.SentencePieceFile;
import lemma.core.tokenizer.SentencePieceModel;
import lemma.core.tokenizer.SentencePieceNormaliser;
import lemma.core.tokenizer.SentencePieceSymbols;
import lemma.core.tokenizer.Unigram;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TokenizeCommandTest {
  @TempDir Path folder;

  private record Run(int exit, String out, String err) {}

  private static Run tokenize(Path model, String... more) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    String[] arguments = new String[3 + more.length];
    System.arraycopy(new String[] {"tokenize", "--model", model.toString()}, 0, arguments, 0, 3);
    System.arraycopy(more, 0, arguments, 3, more.length);
    int exit =
        Lemma.run(arguments, new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8));
    return new Run(exit, out.toString(UTF_8), err.toString(UTF_8));
  }

  @BeforeEach
  void save() throws IOException {
    List<SentencePiece> pieces =
        List.of(
            new SentencePiece("<unk>", 0, Type.UNKNOWN),
            SentencePiece.normal("▁low", -1),
            SentencePiece.normal("er", -2));
    SentencePieceFile.write(
        new SentencePieceModel(
            new Unigram(pieces, Unigram.Sums.FLOAT32),
            SentencePieceNormaliser.identity(),
            SentencePieceSymbols.usual(),
            false),
        folder.resolve("tokenizer.model"));
  }

  @Test
  void a_sentencepiece_model_is_read_from_its_file_and_from_its_folder() {
    for (Path model : List.of(folder, folder.resolve("tokenizer.model"))) {
      Run run = tokenize(model, "--json", "low", "lower");
      assertThat(run.exit()).as(run.err()).isZero();
      JsonNode tokens = JsonMapper.shared().readTree(run.out()).get("tokens");
      assertThat(tokens.valueStream().map(token -> token.get("id").asInt()))
          .containsExactly(1, 1, 2);
      assertThat(tokens.get(0).get("text").asString()).isEqualTo("\" low\"");
    }
  }

  @Test
  void a_damaged_model_is_refused_in_one_line() throws IOException {
    Path file = folder.resolve("tokenizer.model");
    Files.write(file, new byte[] {10, 100});
    Run run = tokenize(file, "x");
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("tokenizer.model", "ends in the middle");
    assertThat(run.err().strip()).doesNotContain("\n");
  }
}
