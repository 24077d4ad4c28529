package lemma.core.chat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lemma.core.format.FormatException;
import lemma.core.format.Gguf;
import lemma.core.format.JsonFile;
import lemma.core.format.WeightFile;
import lemma.core.jinja.Template;
import lemma.core.jinja.TemplateException;
import tools.jackson.databind.JsonNode;

/// How a chat model wants a conversation written: the template that comes with its tokenizer.
///
/// ```
/// text = template(messages, add_generation_prompt, bos_token, eos_token, …)
/// ```
///
/// The text already holds the model's special tokens by their names, the begin-of-text token among
/// them where the model has one: it is to be encoded without putting any in front.
///
/// Answer: `tokenizer/chat-template.md`.
public final class ChatTemplate {
  private static final long LONGEST = 1 << 20;
  private static final List<String> SPECIAL =
      List.of("bos_token", "eos_token", "unk_token", "pad_token");

  private final Template template;
  private final Map<String, String> specialTokens;

  private ChatTemplate(Template template, Map<String, String> specialTokens) {
    this.template = template;
    this.specialTokens = specialTokens;
  }

  /// A template and the special tokens that it may name, such as `bos_token`.
  ///
  /// @throws TemplateException if the template cannot be understood, with the line
  public static ChatTemplate of(String template, Map<String, String> specialTokens) {
    return new ChatTemplate(Template.parse(template), new LinkedHashMap<>(specialTokens));
  }

  /// The template of a model's folder, or of the folder of its file: `chat_template.jinja`, or
  /// `chat_template` of `tokenizer_config.json`, which also names the special tokens; of a GGUF file
  /// `tokenizer.chat_template`. Empty if there is none.
  ///
  /// @throws FormatException if a file is damaged or its template cannot be understood
  public static Optional<ChatTemplate> read(Path path) throws IOException {
    if (Files.isRegularFile(path) && WeightFile.open(path) instanceof Gguf gguf) return read(gguf);
    return readFolder(Files.isDirectory(path) ? path : path.toAbsolutePath().getParent());
  }

  private static Optional<ChatTemplate> read(Gguf file) {
    if (!file.has("tokenizer.chat_template")) return Optional.empty();
    Map<String, String> specialTokens = new LinkedHashMap<>();
    for (String name : List.of("bos", "eos")) {
      String key = "tokenizer.ggml." + name + "_token_id";
      if (!file.has(key)) continue;
      List<String> tokens = file.texts("tokenizer.ggml.tokens");
      int id = file.integer(key);
      if (id < 0 || id >= tokens.size())
        throw new FormatException(file.file(), key + " is no token: " + id);
      specialTokens.put(name + "_token", tokens.get(id));
    }
    return Optional.of(parsed(file.text("tokenizer.chat_template"), specialTokens, file.file()));
  }

  private static ChatTemplate parsed(String source, Map<String, String> specialTokens, Path file) {
    try {
      return of(source, specialTokens);
    } catch (IllegalArgumentException e) {
      throw new FormatException(file, e.getMessage(), e);
    }
  }

  private static Optional<ChatTemplate> readFolder(Path folder) throws IOException {
    Path config = folder.resolve("tokenizer_config.json");
    Map<String, String> specialTokens = new LinkedHashMap<>();
    String source = null;
    Path file = config;
    if (Files.exists(config)) {
      JsonFile json = JsonFile.read(config);
      for (String name : SPECIAL) specialToken(json, name, specialTokens);
      if (json.has("chat_template")) source = source(json);
    }
    Path own = folder.resolve("chat_template.jinja");
    if (Files.exists(own)) {
      if (Files.size(own) > LONGEST)
        throw new FormatException(own, "is larger than " + LONGEST + " bytes");
      source = Files.readString(own);
      file = own;
    }
    return source == null ? Optional.empty() : Optional.of(parsed(source, specialTokens, file));
  }

  /// A token is a string, or an object with its `content`.
  private static void specialToken(JsonFile json, String name, Map<String, String> tokens) {
    if (!json.has(name)) return;
    boolean object = json.get(name).isObject();
    tokens.put(name, object ? json.object(name).text("content") : json.text(name));
  }

  /// One template, or several by name, of which `default` is the one for conversations.
  private static String source(JsonFile json) {
    JsonNode node = json.get("chat_template");
    if (node.isString()) return node.asString();
    for (JsonNode each : node.isArray() ? node.valueStream().toList() : List.<JsonNode>of())
      if (each.path("name").asString("").equals("default") && each.path("template").isString())
        return each.path("template").asString();
    throw new FormatException(
        json.file(), "chat_template must be a string, or a list with one named default");
  }

  /// The conversation as text; with `addGenerationPrompt` it ends where the model is to answer.
  ///
  /// @throws TemplateException if the template refuses the conversation, for example its order of
  ///     roles, or goes wrong
  public String render(List<ChatMessage> messages, boolean addGenerationPrompt, Clock clock) {
    return render(
        Map.of(
            "messages",
            messages.stream().map(ChatMessage::values).toList(),
            "add_generation_prompt",
            addGenerationPrompt),
        clock);
  }

  /// The same with every variable of the template given, such as `tools`: strings, numbers, truth
  /// values, null, and lists and maps of them. A variable replaces the special token of its name.
  ///
  /// @throws TemplateException if the template refuses its variables or goes wrong
  public String render(Map<String, ?> variables, Clock clock) {
    Map<String, Object> all = new LinkedHashMap<>(specialTokens);
    all.putAll(variables);
    return template.render(all, clock);
  }
}
