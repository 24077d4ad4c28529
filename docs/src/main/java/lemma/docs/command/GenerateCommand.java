package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lemma.core.chat.ChatMessage;
import lemma.core.chat.ChatTemplate;
import lemma.core.model.DecoderModel;
import lemma.core.model.LanguageModel;
import lemma.core.model.ModelConfig;
import lemma.core.model.T5;
import lemma.core.model.T5Config;
import lemma.core.tokenizer.Tokenizer;
import lemma.core.tokenizer.TokenizerFile;
import lemma.docs.ProjectHome;
import lemma.sampling.generate.Generation;
import lemma.sampling.generate.GenerationConfig;
import lemma.sampling.generate.Generator;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// Continues a text with a language model.
@Command(
    description = {
      "Continues a text, showing each piece as it comes.",
      "The same prompt, settings and seed give the same text, with any number of threads."
    })
final class GenerateCommand implements Callable<Integer> {

  /// A text, or the ids that it would become.
  private static final class Prompt {
    @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "the text")
    private String text;

    @Option(
        names = "--ids",
        required = true,
        split = ",",
        paramLabel = "ID",
        description = "the text as token ids: --ids 1,2,3")
    private int[] ids;
  }

  @ArgGroup(multiplicity = "1")
  private Prompt prompt;

  @Option(
      names = "--model",
      paramLabel = "PATH",
      description =
          "GGUF file, or folder with config.json and safetensors files, or one of these beside its"
              + " config.json: Llama, Mistral, Mixtral, Qwen, GPT-2, or T5, whose encoder reads the"
              + " prompt; without it, the model that comes with the project")
  private Path model;

  @Option(
      names = "--chat",
      description = "the prompt is what a user says, written as the model's chat template has it")
  private boolean chat;

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      description = "with --chat, what the system says first")
  private String system;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "200",
      description = "most tokens to generate (${DEFAULT-VALUE})")
  private int maxTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0.8",
      description = "0 takes the likeliest token, 1 the model's own odds (${DEFAULT-VALUE})")
  private double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "0",
      description = "only the K likeliest tokens; 0 for all (${DEFAULT-VALUE})")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description = "only the likeliest tokens that make up probability P (${DEFAULT-VALUE})")
  private double topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      defaultValue = "0",
      description = "only tokens at least P times as likely as the likeliest (${DEFAULT-VALUE})")
  private double minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "R",
      defaultValue = "1",
      description = "above 1, tokens that were there already become less likely (${DEFAULT-VALUE})")
  private double repetitionPenalty;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "0",
      description = "of the random draws (${DEFAULT-VALUE})")
  private long seed;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "end before this text; may be given several times")
  private List<String> stop = List.of();

  @Option(names = "--ignore-eos", description = "go on after the model's end token")
  private boolean ignoreEnd;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads that share the work (as many as there are processors)")
  private Integer threads;

  @Option(names = "--print-ids", description = "print the generated ids on one line, no text")
  private boolean printIds;

  @Option(names = "--json", description = "print JSON at the end, nothing before")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    Path path = model == null ? shipped() : model;
    int count = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
    if (Files.exists(path) && ModelConfig.read(path) instanceof T5Config config) {
      T5 encoderDecoder = T5.load(path);
      Tokenizer tokenizer = tokenizer(path);
      int[] input = input(tokenizer, ModelConfig.endTokens(path));
      int[] start = {config.startToken()};
      generate(generator(encoderDecoder.given(input), tokenizer, path), tokenizer, input, start);
    } else {
      try (DecoderModel decoder = DecoderModel.open(path, count)) {
        Tokenizer tokenizer = tokenizer(path);
        Generator generator = generator(decoder, tokenizer, path);
        int[] ids = ids(tokenizer, path);
        generate(generator, tokenizer, ids, ids);
      }
    }
    return Lemma.OK;
  }

  private Generator generator(LanguageModel model, Tokenizer tokenizer, Path path)
      throws IOException {
    GenerationConfig config = config(ModelConfig.endTokens(path));
    return tokenizer == null
        ? new Generator(model, config)
        : new Generator(model, tokenizer::bytes, config);
  }

  private int[] ids(Tokenizer tokenizer, Path path) throws IOException {
    if (system != null && !chat) throw new IllegalArgumentException("--system needs --chat");
    if (chat && prompt.text == null)
      throw new IllegalArgumentException("--chat needs --prompt, there are --ids");
    if (prompt.text == null) return prompt.ids;
    return chat ? tokenizer.encode(conversation(path)) : encode(prompt.text, tokenizer);
  }

  /// The template writes the tokens that stand in front of a text, too.
  private String conversation(Path path) throws IOException {
    ChatTemplate template =
        ChatTemplate.read(path)
            .orElseThrow(() -> new IllegalArgumentException(path + " has no chat template"));
    List<ChatMessage> messages = new ArrayList<>();
    if (system != null) messages.add(ChatMessage.system(system));
    messages.add(ChatMessage.user(prompt.text));
    return template.render(messages, true, Clock.systemDefaultZone());
  }

  /// What an encoder reads: ids as they are given, a text with the end token behind it.
  private int[] input(Tokenizer tokenizer, Set<Integer> endTokens) {
    if (prompt.text == null) return prompt.ids;
    IntStream text = Arrays.stream(encode(prompt.text, tokenizer));
    IntStream end = endTokens.stream().mapToInt(Integer::intValue).limit(1);
    return IntStream.concat(text, end).toArray();
  }

  private static Path shipped() {
    Path path = ProjectHome.find().path("core", "models", "storyteller");
    if (!Files.isDirectory(path))
      throw new IllegalArgumentException(path + ": no such folder; name a model with --model");
    return path;
  }

  /// `null` if ids go in and ids come out.
  private Tokenizer tokenizer(Path path) throws IOException {
    if (prompt.text != null || !stop.isEmpty()) return TokenizerFile.open(path);
    return printIds ? null : TokenizerFile.find(path).orElse(null);
  }

  private GenerationConfig config(Set<Integer> endTokens) {
    return GenerationConfig.sampled(maxTokens, temperature, topK, topP)
        .withMinP(minP)
        .withRepetitionPenalty(repetitionPenalty)
        .withStopTexts(stop.toArray(String[]::new))
        .withEndTokens(endTokens)
        .withIgnoreEnd(ignoreEnd);
  }

  /// Goes on after `start`, which is the prompt itself unless an encoder has read it.
  private void generate(Generator generator, Tokenizer tokenizer, int[] ids, int[] start) {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(seed);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Generation generation = generator.generate(start, random);
      out.println(JsonMapper.shared().writeValueAsString(summary(ids, generation)));
    } else if (printIds || tokenizer == null) {
      out.println(joined(generator.generate(start, random).tokens()));
    } else {
      stream(generator, start, random, out);
    }
  }

  private static int[] encode(String text, Tokenizer tokenizer) {
    return IntStream.concat(
            Arrays.stream(tokenizer.prefix()), Arrays.stream(tokenizer.encode(text)))
        .toArray();
  }

  /// Text as it comes. Whoever interrupts it gets the rest of the terminal's line for the shell.
  private void stream(Generator generator, int[] ids, RandomGenerator random, PrintWriter out) {
    Thread endLine =
        new Thread(() -> {
          out.println();
          out.flush();
        });
    Runtime.getRuntime().addShutdownHook(endLine);
    if (Terminal.styled() && prompt.text != null) out.print(Terminal.dim(prompt.text));
    generator.generate(
        ids,
        random,
        token -> {
          out.print(token.text());
          out.flush();
        });
    Runtime.getRuntime().removeShutdownHook(endLine);
    out.println();
  }

  private static String joined(int[] ids) {
    return Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(","));
  }

  private static Map<String, Object> summary(int[] ids, Generation generation) {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("prompt", ids);
    summary.put("tokens", generation.tokens());
    summary.put("text", generation.text());
    summary.put("finishReason", generation.finishReason());
    return summary;
  }
}
