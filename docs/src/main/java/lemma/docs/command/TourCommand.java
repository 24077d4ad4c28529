package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import lemma.core.model.LlamaDecoder;
import lemma.core.model.ModelConfig;
import lemma.core.tokenizer.Tokenizer;
import lemma.core.tokenizer.TokenizerJson;
import lemma.diffusion.glyph.PixelImages;
import lemma.diffusion.model.GlyphDiffusion;
import lemma.diffusion.model.GlyphSampler;
import lemma.docs.ProjectHome;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.Temperature;
import lemma.sampling.filter.TopK;
import lemma.sampling.filter.TopP;
import lemma.sampling.generate.GenerationConfig;
import lemma.sampling.generate.Generator;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// The main job on real input: the shipped language model writes, the shipped image model draws.
@Command(
    description = {
      "Shows what there is, in under a minute: one step of the language model under temperature,",
      "top-k and top-p, texts in English and Chinese, and digits drawn at four guidance scales."
    })
final class TourCommand implements Callable<Integer> {
  private static final String PROMPT = "One day, Lily found a";
  private static final String[] OPENINGS = {"Once upon a time,", "有一天，小明"};
  private static final double[] GUIDANCE_SCALES = {0, 1, 3, 7};
  private static final int DRAWING_STEPS = 25;
  private static final int[] DIGITS = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

  @Option(
      names = "--out",
      paramLabel = "FILE.png",
      defaultValue = "tour.png",
      description = "the picture (default: ${DEFAULT-VALUE})")
  private Path picture;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "7",
      description = "of everything that is drawn by chance (default: ${DEFAULT-VALUE})")
  private long seed;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    ProjectHome home = ProjectHome.find();
    write(home.path("core", "models", "storyteller"), out);
    draw(home.path("diffusion", "models", "glyphs"), out);
    out.println();
    out.println(Terminal.bold("Where to go from here"));
    out.println("  read       ./lemma show top-p            ./lemma site --serve 8080");
    out.println("  prove      ./lemma prove rope            ./mvnw verify");
    out.println("  benchmark  ./lemma bench top-p");
    out.println("  play       ./lemma generate --prompt \"In the morning, Ben\" --temperature 1.2");
    out.println("             ./lemma draw --class LEMMA --guidance 3");
    return Lemma.OK;
  }

  private void write(Path folder, PrintWriter out) throws IOException {
    int threads = Runtime.getRuntime().availableProcessors();
    Tokenizer tokenizer = TokenizerJson.read(folder);
    try (LlamaDecoder model = LlamaDecoder.open(folder, threads)) {
      out.println(Terminal.bold("1  A language model writes"));
      out.println();
      out.printf("What may follow \"%s\"? The likeliest tokens of one step:%n%n", PROMPT);
      out.print(oneStep(model, tokenizer));
      out.println();
      out.println("Temperature sharpens or flattens; top-k and top-p cut the tail and rescale.");
      GenerationConfig config =
          GenerationConfig.sampled(90, 0.7, 40, 0.95).withEndTokens(ModelConfig.endTokens(folder));
      var generator = new Generator(model, tokenizer::bytes, config);
      for (String opening : OPENINGS) {
        out.printf("%n  %s", Terminal.dim(opening));
        generator.generate(
            tokenizer.encode(opening),
            random(),
            token -> {
              out.print(token.text());
              out.flush();
              return true;
            });
        out.println();
      }
    }
  }

  /// The five likeliest tokens of one step, under different filters.
  private static Table oneStep(LlamaDecoder model, Tokenizer tokenizer) {
    float[] raw = model.open().append(tokenizer.encode(PROMPT));
    double[] logits = IntStream.range(0, raw.length).mapToDouble(i -> raw[i]).toArray();
    double[] plain = Logits.softmax(logits);
    int[] likeliest =
        IntStream.range(0, plain.length)
            .boxed()
            .sorted((a, b) -> Double.compare(plain[b], plain[a]))
            .limit(5)
            .mapToInt(Integer::intValue)
            .toArray();
    String[] header = new String[likeliest.length + 2];
    header[0] = "";
    for (int i = 0; i < likeliest.length; i++)
      header[i + 1] = "\"" + tokenizer.decode(likeliest[i]) + "\"";
    header[header.length - 1] = "tokens left";
    var table = new Table(header);
    row(table, "as it is", new Temperature(1), logits, likeliest);
    row(table, "temperature 0.5", new Temperature(0.5), logits, likeliest);
    row(table, "temperature 1.5", new Temperature(1.5), logits, likeliest);
    row(table, "top-k 3", new TopK(3), logits, likeliest);
    row(table, "top-p 0.5", new TopP(0.5), logits, likeliest);
    return table;
  }

  private static void row(
      Table table, String name, LogitsProcessor filter, double[] logits, int[] tokens) {
    double[] filtered = filter.process(new int[0], logits.clone());
    double[] probabilities = Logits.softmax(filtered);
    Object[] cells = new Object[tokens.length + 2];
    cells[0] = name;
    for (int i = 0; i < tokens.length; i++)
      cells[i + 1] = "%.1f %%".formatted(100 * probabilities[tokens[i]]);
    cells[cells.length - 1] = Arrays.stream(probabilities).filter(p -> p > 0).count();
    table.row(cells);
  }

  private void draw(Path folder, PrintWriter out) throws IOException {
    out.println();
    out.println(Terminal.bold("2  An image model draws"));
    out.println();
    GlyphDiffusion model = GlyphDiffusion.load(folder);
    int size = model.network().config().imageSize();
    double[] rows = new double[GUIDANCE_SCALES.length * DIGITS.length * size * size];
    int at = 0;
    for (double scale : GUIDANCE_SCALES) {
      double[] digits = GlyphSampler.of(model, DRAWING_STEPS, scale).sample(DIGITS, seed).toArray();
      System.arraycopy(digits, 0, rows, at, digits.length);
      at += digits.length;
    }
    PixelImages.writePng(PixelImages.grid(rows, size, size, DIGITS.length, 2, 3), picture);
    out.printf(
        "The ten digits from noise in %d steps, at guidance 0, 1, 3 and 7 from top to bottom:%n%s%n",
        DRAWING_STEPS, picture);
    out.println(
        "Guidance 0 ignores what was asked for; more of it follows harder and varies less.");
  }

  private RandomGenerator random() {
    return RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(seed);
  }
}
