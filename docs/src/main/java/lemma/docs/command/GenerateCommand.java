package lemma.docs.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.random.RandomGenerator;
import lemma.core.model.DecoderModel;
import lemma.docs.ProjectHome;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.generate.Filters;
import lemma.sampling.generate.Generation;
import lemma.sampling.generate.GenerationConfig;
import lemma.sampling.generate.Generator;
import lemma.sampling.generate.TextDecoder;
import lemma.sampling.search.Hypothesis;
import lemma.sampling.speculative.SpeculativeDecoder;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Continues a text with a language model. The options stand in a class for each group.
@Command(
    sortOptions = false,
    customSynopsis =
        "lemma generate (--prompt TEXT | --prompt-file FILE | --ids 1,2,3) [--model PATH] [OPTION]…",
    description = {
      "Continues a text, showing each piece as it comes.",
      "The same prompt, settings and seed give the same text, with any number of threads."
    })
final class GenerateCommand implements Callable<Integer> {

  @Option(
      names = "--model",
      paramLabel = "PATH",
      description =
          "GGUF file, or folder with config.json and safetensors files, or one of these beside its"
              + " config.json: Llama, Mistral, Mixtral, Qwen, GPT-2, or T5, whose encoder reads the"
              + " prompt; without it, the model that comes with the project")
  private Path model;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads that share the work (as many as there are processors)")
  private int threads = Runtime.getRuntime().availableProcessors();

  @ArgGroup(validate = false, order = 1, heading = "%nWhat is continued:%n")
  private PromptOptions prompt = new PromptOptions();

  @ArgGroup(validate = false, order = 2, heading = "%nWhen it ends:%n")
  private StopOptions stop = new StopOptions();

  @ArgGroup(validate = false, order = 3, heading = "%nHow a token is drawn:%n")
  private FilterOptions filters = new FilterOptions();

  @ArgGroup(validate = false, order = 4, heading = "%nAgainst repetition:%n")
  private PenaltyOptions penalties = new PenaltyOptions();

  @ArgGroup(validate = false, order = 5, heading = "%nWhat may come:%n")
  private RuleOptions rules = new RuleOptions();

  @ArgGroup(validate = false, order = 6, heading = "%nOther ways than drawing token by token:%n")
  private SearchOptions search = new SearchOptions();

  @ArgGroup(validate = false, order = 7, heading = "%nWhat is shown:%n")
  private OutputOptions output = new OutputOptions();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    checkTogether();
    boolean needed = !stop.texts.isEmpty() || rules.needTokenizer() || penalties.needTokenizer();
    Path path = model == null ? shipped() : model;
    try (var source = PromptedModel.open(path, threads, prompt, !output.ids, needed)) {
      if (search.beams != null) found(source);
      else if (search.speculates()) speculate(source);
      else draw(source, config(source));
    }
    return Lemma.OK;
  }

  private static Path shipped() {
    Path path = ProjectHome.find().path("core", "models", "storyteller");
    if (!Files.isDirectory(path))
      throw new IllegalArgumentException(path + ": no such folder; name a model with --model");
    return path;
  }

  private GenerationConfig config(PromptedModel source) throws IOException {
    return new GenerationConfig(
        stop.conditions(source.endTokens()),
        rules.rules(source).withMinTokens(stop.minTokens),
        penalties.penalties(source.tokenizer()),
        filters.filters(),
        output.logProbabilities == null
            ? GenerationConfig.NO_LOG_PROBABILITIES
            : output.logProbabilities);
  }

  private void draw(PromptedModel source, GenerationConfig config) {
    Generator generator =
        source.tokenizer() == null
            ? new Generator(source.model(), config)
            : new Generator(source.model(), source.tokenizer()::bytes, config);
    boolean streamed = output.count == 1 && !output.json && !output.ids;
    if (streamed && source.tokenizer() != null) {
      try (var text = textOutput()) {
        RandomGenerator random = Generator.random(output.seed, 0);
        generator.generate(source.start(), random, token -> text.show(token.text()));
      }
    } else {
      List<Generation> texts = generator.generate(source.start(), output.count, output.seed);
      report(source, GenerationReport.drawn(source, output.seed, config, texts));
    }
  }

  private void found(PromptedModel source) throws IOException {
    LogitsProcessor rules =
        config(source)
            .withFilters(Filters.of(1, 0, 1, 0))
            .chain(source.start().length, Generator.random(output.seed, 0));
    List<Hypothesis> texts = search.search(source, stop, rules);
    report(
        source,
        GenerationReport.found(source, texts.subList(0, Math.min(output.count, texts.size()))));
  }

  /// Text as it is certain, several tokens at a time.
  private void speculate(PromptedModel source) throws IOException {
    int vocabularySize = source.model().vocabularySize();
    RandomGenerator random = Generator.random(output.seed, 0);
    GenerationConfig config = config(source);
    LogitsProcessor chain = config.chain(source.start().length, random);
    Set<Integer> ends = stop.ignoreEnd ? Set.of() : source.endTokens();
    var decoder =
        new SpeculativeDecoder(source.model(), chain, search.draftTokens, stop.maxTokens, ends);
    try (DecoderModel draft = search.draftModel(vocabularySize, threads)) {
      var guesses = search.guesses(draft, chain, vocabularySize);
      if (output.json || output.ids || source.tokenizer() == null) {
        var result = decoder.generate(source.start(), guesses, random);
        report(source, GenerationReport.guessed(source, output.seed, result));
        return;
      }
      TextDecoder characters = TextDecoder.utf8(source.tokenizer()::bytes);
      try (var text = textOutput()) {
        decoder.generate(
            source.start(),
            guesses,
            random,
            token -> text.show(ends.contains(token) ? "" : characters.next(token)));
        text.show(characters.end());
      }
    }
  }

  private TextOutput textOutput() {
    TextOutput text = new TextOutput(spec.commandLine().getOut());
    if (Terminal.styled()) text.show(Terminal.dim(prompt.shown()));
    return text;
  }

  private void report(PromptedModel source, GenerationReport report) {
    boolean ids = output.ids || source.tokenizer() == null;
    String text = output.json ? report.json() : ids ? report.ids() : report.texts();
    spec.commandLine().getOut().println(text);
  }

  /// Refuses options that would have no effect beside others.
  private void checkTogether() {
    var given = GivenOptions.of(spec);
    if (!prompt.given())
      throw new IllegalArgumentException(
          "what to continue is missing: --prompt TEXT, --prompt-file FILE or --ids 1,2,3");
    given.oneOf("--prompt", "--prompt-file", "--ids");
    given.oneOf("--regex", "--json-schema", "--grammar");
    given.oneOf("--beams", "--draft");
    given.oneOf("--beams", "--prompt-lookup");
    given.oneOf("--draft", "--prompt-lookup");
    if (search.beams == null) given.need("--beams", "--length-penalty", "--early-stopping");
    else checkBeams(given);
    if (search.speculates()) checkGuesses(given);
    else given.need("--draft or --prompt-lookup", "--draft-tokens");
    if (!output.json) given.need("--json", "--logprobs");
    if (filters.mirostat == 0) given.need("--mirostat", "--mirostat-tau", "--mirostat-eta");
    if (filters.xtcProbability == 0) given.need("--xtc-probability", "--xtc-threshold");
    if (rules.watermark == null)
      given.need("--watermark", "--watermark-gamma", "--watermark-delta");
    if (penalties.dryMultiplier == 0)
      given.need(
          "--dry-multiplier",
          "--dry-base",
          "--dry-allowed-length",
          "--dry-window",
          "--dry-breaker");
  }

  private void checkBeams(GivenOptions given) {
    String why = "--beams looks for the likeliest text and draws nothing";
    given.refuse(why, "--seed", "--logprobs", "--stop", "--regex", "--json-schema", "--grammar");
    given.refuseGroup(why, FilterOptions.class);
    if (output.count > search.beams)
      throw new IllegalArgumentException(
          "--n must be at most --beams %d, was %d".formatted(search.beams, output.count));
  }

  private void checkGuesses(GivenOptions given) {
    String why = "with --draft or --prompt-lookup several tokens are checked at a time";
    given.refuse(why, "--n", "--stop", "--logprobs", "--mirostat", "--xtc-probability");
    given.refuse(why, "--regex", "--json-schema", "--grammar");
  }
}
