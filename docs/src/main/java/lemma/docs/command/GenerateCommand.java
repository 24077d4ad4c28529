package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
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
import lemma.core.model.LlamaDecoder;
import lemma.core.model.ModelConfig;
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
          "folder with config.json and safetensors files, or one such file beside its config.json;"
              + " without it, the model that comes with the project")
  private Path model;

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
    Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
    int count = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
    try (LlamaDecoder decoder = LlamaDecoder.open(path, count)) {
      Tokenizer tokenizer = tokenizer(path);
      GenerationConfig config = config(ModelConfig.endTokens(folder));
      Generator generator =
          tokenizer == null
              ? new Generator(decoder, config)
              : new Generator(decoder, tokenizer::bytes, config);
      generate(generator, tokenizer);
    }
    return Lemma.OK;
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

  private void generate(Generator generator, Tokenizer tokenizer) {
    int[] ids = prompt.text == null ? prompt.ids : encode(prompt.text, tokenizer);
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(seed);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Generation generation = generator.generate(ids, random);
      out.println(JsonMapper.shared().writeValueAsString(summary(ids, generation)));
    } else if (printIds || tokenizer == null) {
      out.println(joined(generator.generate(ids, random).tokens()));
    } else {
      stream(generator, ids, random, out);
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
