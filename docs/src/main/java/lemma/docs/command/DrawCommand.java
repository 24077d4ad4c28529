package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import lemma.core.tensor.Tensor;
import lemma.diffusion.glyph.GlyphClass;
import lemma.diffusion.glyph.PixelImages;
import lemma.diffusion.guidance.ClassifierFreeGuidance;
import lemma.diffusion.model.GlyphDiffusion;
import lemma.diffusion.model.GlyphSampler;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.schedule.TimestepSpacing;
import lemma.diffusion.scheduler.Clipping;
import lemma.diffusion.scheduler.Ddim;
import lemma.diffusion.scheduler.Ddpm;
import lemma.diffusion.scheduler.Dpm2;
import lemma.diffusion.scheduler.DpmSolver;
import lemma.diffusion.scheduler.Euler;
import lemma.diffusion.scheduler.EulerAncestral;
import lemma.diffusion.scheduler.Heun;
import lemma.diffusion.scheduler.LinearMultistep;
import lemma.diffusion.scheduler.Pndm;
import lemma.diffusion.scheduler.Scheduler;
import lemma.diffusion.scheduler.UniPc;
import lemma.docs.ProjectHome;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Draws glyphs with the shipped image model.
@Command(
    description = {
      "Draws digits and capital letters with the shipped diffusion model, into a PNG file.",
      "One row for each drawing of a word: ./lemma draw --class LEMMA --count 4"
    })
final class DrawCommand implements Callable<Integer> {
  private static final int GLYPH_SIZE = 24;
  private static final int MOST_GLYPHS = 4096;

  /// The schedulers by the names of the command line.
  enum Name {
    DDIM,
    DDPM,
    EULER,
    EULER_ANCESTRAL,
    HEUN,
    DPM2,
    LMS,
    DPM_SOLVER,
    DPM_SOLVER_SDE,
    UNIPC,
    PNDM
  }

  @Option(
      names = "--class",
      paramLabel = "C",
      defaultValue = "0-9",
      description = "what to draw: a sign, a word, ranges such as 0-9A-Z (default: 0-9)")
  private String classes;

  @Option(
      names = "--scheduler",
      paramLabel = "NAME",
      defaultValue = "ddim",
      description = "${COMPLETION-CANDIDATES} (default: ddim)")
  private Name scheduler;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "25",
      description = "steps from noise to image, 1 to 1000 (default: 25)")
  private int steps;

  @Option(
      names = "--guidance",
      paramLabel = "W",
      defaultValue = "3",
      description =
          "0 leaves the class out, 1 is the plain model, more follows it harder (default: 3)")
  private double guidance;

  @Option(
      names = "--eta",
      paramLabel = "E",
      description = "DDIM's noise: 0 for none, 1 for as much as DDPM (default: 0)")
  private Double eta;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "of the noise; the same seed draws the same image (default: 1)")
  private long seed;

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "1",
      description = "drawings of each (default: 1)")
  private int count;

  @Option(
      names = "--size",
      paramLabel = "PX",
      defaultValue = "96",
      description = "height of a glyph in the file, a multiple of 24 (default: 96)")
  private int size;

  @Option(
      names = "--out",
      paramLabel = "FILE.png",
      defaultValue = "glyphs.png",
      description = "the picture (default: glyphs.png)")
  private Path out;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "a model folder (default: the shipped one)")
  private Path folder;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    int[] word = labels(classes.toUpperCase(Locale.ROOT));
    check("--count", count, 1, Math.max(1, MOST_GLYPHS / word.length));
    check("--size", size, GLYPH_SIZE, 1024);
    if (size % GLYPH_SIZE != 0) {
      throw new IllegalArgumentException("--size must be a multiple of 24, was " + size);
    }
    check("--steps", steps, 1, GlyphDiffusion.TRAINING_STEPS);
    if (eta != null && scheduler != Name.DDIM) {
      throw new IllegalArgumentException("--eta belongs to --scheduler ddim");
    }
    Path from = folder != null ? folder : ProjectHome.find().path("diffusion", "models", "glyphs");
    GlyphDiffusion model = GlyphDiffusion.load(from);
    var sampler =
        new GlyphSampler(model, scheduler(model), steps, new ClassifierFreeGuidance(guidance));

    long start = System.nanoTime();
    int[] all = new int[word.length * count];
    for (int i = 0; i < all.length; i++) all[i] = word[i % word.length];
    Tensor images;
    try (Progress progress = Progress.of("drawing", sampler.steps(all.length))) {
      images = sampler.sample(all, seed, progress::step);
    }
    PixelImages.writePng(
        PixelImages.grid(
            images.toArray(), GLYPH_SIZE, GLYPH_SIZE, word.length, 1, size / GLYPH_SIZE),
        out);
    PrintWriter writer = spec.commandLine().getOut();
    writer.printf(
        "%s: %d %s in %.1f s%n",
        out, all.length, all.length == 1 ? "glyph" : "glyphs", (System.nanoTime() - start) / 1e9);
    return Lemma.OK;
  }

  private Scheduler scheduler(GlyphDiffusion model) {
    return switch (scheduler) {
      case DDIM -> GlyphSampler.ddim(model, eta == null ? 0 : eta);
      case DDPM ->
          new Ddpm(model.schedule())
              .withPrediction(Prediction.VELOCITY)
              .withSpacing(new TimestepSpacing.Trailing())
              .withClipping(new Clipping.Static(1));
      case EULER -> GlyphSampler.solver(model, new Euler());
      case EULER_ANCESTRAL -> GlyphSampler.solver(model, new EulerAncestral());
      case HEUN -> GlyphSampler.solver(model, new Heun());
      case DPM2 -> GlyphSampler.solver(model, new Dpm2());
      case LMS -> GlyphSampler.solver(model, new LinearMultistep());
      case DPM_SOLVER -> GlyphSampler.solver(model, new DpmSolver(2));
      case DPM_SOLVER_SDE -> GlyphSampler.solver(model, new DpmSolver(2).withNoise(1, 1));
      case UNIPC -> GlyphSampler.solver(model, new UniPc(2));
      case PNDM ->
          new Pndm(
              GlyphSampler.ddim(model, 0)
                  .withClipping(new Clipping.None(), Ddim.Direction.PREDICTED),
              Pndm.Start.LINEAR_MULTISTEP);
    };
  }

  /// Signs and ranges of signs, in any order: `A`, `LEMMA`, `0-9A-Z`.
  static int[] labels(String text) {
    List<Integer> labels = new ArrayList<>();
    for (int i = 0; i < text.length(); i++) {
      int from = GlyphClass.of(text.charAt(i)).label();
      int to = from;
      if (i + 2 < text.length() && text.charAt(i + 1) == '-') {
        to = GlyphClass.of(text.charAt(i + 2)).label();
        i += 2;
      }
      if (to < from) {
        throw new IllegalArgumentException("--class " + text + ": a range runs backwards");
      }
      for (int label = from; label <= to; label++) labels.add(label);
    }
    if (labels.isEmpty()) throw new IllegalArgumentException("--class must not be empty");
    return labels.stream().mapToInt(Integer::intValue).toArray();
  }

  private static void check(String name, int value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          "%s must be between %d and %d, was %d".formatted(name, least, most, value));
    }
  }
}
