package lemma.docs.command;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import lemma.core.chat.ChatMessage;
import lemma.core.chat.ChatTemplate;
import lemma.core.tokenizer.Tokenizer;
import picocli.CommandLine.Option;

/// `generate`: what is continued.
final class PromptOptions {

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "the text; - reads it from standard input")
  private String text;

  @Option(
      names = "--prompt-file",
      paramLabel = "FILE",
      description = "a file with the text in UTF-8, a newline at its end left out; - as above")
  private String file;

  @Option(
      names = "--ids",
      split = ",",
      paramLabel = "ID",
      description = "the text as token ids: --ids 1,2,3")
  private int[] ids;

  @Option(
      names = "--chat",
      description = "the prompt is what a user says, written as the model's chat template has it")
  private boolean chat;

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      description = "with --chat, what the system says first")
  private String system;

  boolean given() {
    return text != null || file != null || ids != null;
  }

  boolean isText() {
    return ids == null;
  }

  /// The prompt for a decoder.
  int[] ids(Tokenizer tokenizer, Path model) throws IOException {
    if (system != null && !chat) throw new IllegalArgumentException("--system needs --chat");
    if (chat && !isText())
      throw new IllegalArgumentException("--chat needs --prompt, there are --ids");
    if (!isText()) return ids;
    return chat ? tokenizer.encode(conversation(model)) : encode(tokenizer);
  }

  /// The prompt for an encoder: ids as they are given, a text with the end token behind it.
  int[] input(Tokenizer tokenizer, IntStream endTokens) throws IOException {
    if (chat)
      throw new IllegalArgumentException("--chat is for decoders, the model has an encoder");
    if (!isText()) return ids;
    return IntStream.concat(Arrays.stream(encode(tokenizer)), endTokens.limit(1)).toArray();
  }

  private int[] encode(Tokenizer tokenizer) throws IOException {
    return IntStream.concat(
            Arrays.stream(tokenizer.prefix()), Arrays.stream(tokenizer.encode(text())))
        .toArray();
  }

  /// The template writes the tokens that stand in front of a text, too.
  private String conversation(Path path) throws IOException {
    ChatTemplate template =
        ChatTemplate.read(path)
            .orElseThrow(() -> new IllegalArgumentException(path + " has no chat template"));
    List<ChatMessage> messages = new ArrayList<>();
    if (system != null) messages.add(ChatMessage.system(system));
    messages.add(ChatMessage.user(text()));
    return template.render(messages, true, Clock.systemDefaultZone());
  }

  /// The text that stands in front of the answer on a terminal; empty if it came from elsewhere.
  String shown() {
    return text == null || text.equals("-") ? "" : text;
  }

  private String text() throws IOException {
    if (text != null && !text.equals("-")) return text;
    if (text != null || file.equals("-")) return read(System.in, "standard input");
    try (InputStream stream = Files.newInputStream(Path.of(file))) {
      return read(stream, file);
    }
  }

  private static String read(InputStream stream, String name) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(stream.readAllBytes());
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(name + " is not UTF-8 text: " + e.getMessage(), e);
    }
  }
}
