package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import lemma.core.tokenizer.Tokenizer;
import lemma.core.tokenizer.TokenizerFile;
import lemma.docs.ProjectHome;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Shows how a text falls into tokens.
@Command(
    description = {
      "Splits a text into the tokens of a model and shows their ids.",
      "A token that ends inside of a character is shown by its bytes, such as <E4 B8>."
    })
final class TokenizeCommand implements Callable<Integer> {

  @Option(
      names = "--model",
      paramLabel = "PATH",
      description =
          "tokenizer.json, *.model, *.gguf, or a model's folder"
              + " (default: the shipped language model)")
  private Path model;

  @Option(names = "--json", description = "print JSON")
  private boolean json;

  @Parameters(
      paramLabel = "TEXT",
      arity = "1..*",
      description = "joined by spaces if several words")
  private List<String> words;

  @Spec private CommandSpec spec;

  private record Token(int id, String text) {}

  @Override
  public Integer call() throws IOException {
    Path path = model != null ? model : ProjectHome.find().path("core", "models", "storyteller");
    Tokenizer tokenizer = TokenizerFile.open(path);
    String text = String.join(" ", words);
    List<Token> tokens = new ArrayList<>();
    for (int id : tokenizer.encode(text)) tokens.add(new Token(id, shown(tokenizer.bytes(id))));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(
          JsonMapper.builder()
              .enable(SerializationFeature.INDENT_OUTPUT)
              .build()
              .writeValueAsString(Map.of("text", text, "tokens", tokens)));
      return Lemma.OK;
    }
    for (Token token : tokens) out.printf("%6d  %s%n", token.id(), token.text());
    out.println(
        Terminal.dim(
            "%d tokens for %d characters"
                .formatted(tokens.size(), text.codePointCount(0, text.length()))));
    return Lemma.OK;
  }

  /// The text in quotes, or the bytes if they are no complete characters.
  private static String shown(byte[] bytes) {
    String text = new String(bytes, StandardCharsets.UTF_8);
    if (!text.contains("\uFFFD"))
      return '"' + text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"';
    StringBuilder hex = new StringBuilder("<");
    for (byte b : bytes) hex.append("%s%02X".formatted(hex.length() == 1 ? "" : " ", b));
    return hex.append('>').toString();
  }
}
