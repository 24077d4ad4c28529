package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;
import lemma.core.training.TrainingState;
import lemma.diffusion.glyph.GlyphDataset;
import lemma.diffusion.glyph.PixelImages;
import lemma.diffusion.model.GlyphClassifier;
import lemma.diffusion.model.GlyphDenoiser;
import lemma.diffusion.model.GlyphDiffusion;
import lemma.diffusion.model.GlyphSampler;
import lemma.diffusion.model.GlyphScore;
import lemma.diffusion.model.GlyphTraining;
import lemma.docs.ProjectHome;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Trains the image model, draws with it, and has the drawings read.
@Command(
    name = "diffusion",
    description = {
      "Trains the small image model on glyphs that are drawn on the way, then draws with it at several",
      "guidance scales and lets the shipped classifier read the result. The same steps and seed give",
      "the same weights, whatever the number of threads. Ctrl-C saves a checkpoint; --resume goes on",
      "from it."
    })
final class TrainDiffusionCommand implements Callable<Integer> {
  private static final double[] SCALES = {0, 1, 2, 3, 5, 7};
  private static final int SAMPLING_STEPS = 25;
  private static final long SAMPLING_SEED = 11;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "6000",
      description = "optimiser steps of 32 glyphs (default: 6000)")
  private long steps;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "of weights, glyphs and noise (default: 1)")
  private long seed;

  @Option(
      names = "--samples",
      paramLabel = "N",
      defaultValue = "20",
      description = "drawings of each class that are read at each guidance scale (default: 20)")
  private int samples;

  @Mixin private TrainingOptions options;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (samples < 2)
      throw new IllegalArgumentException("--samples must be 2 or more, was " + samples);
    int workers = options.threads();
    var training = new GlyphTraining(steps, seed, workers);
    GlyphDenoiser.Config config = GlyphDiffusion.STANDARD;
    ProjectHome home = ProjectHome.find();
    GlyphClassifier classifier =
        GlyphClassifier.load(home.path("diffusion", "models", "glyph-classifier"));
    Path folder = options.folder("glyphs");
    PrintWriter writer = spec.commandLine().getOut();
    var run = new TrainGlyphs("glyph-denoiser", training, folder, writer);
    TrainingState state =
        run.run(training.begin(config), training.denoising(config), options.resume());
    if (!run.finished(state)) return Lemma.OK;
    GlyphDiffusion.save(folder, config, state.average());
    GlyphDiffusion model = GlyphDiffusion.load(folder);
    drawSamples(model, folder.resolve("samples.png"));
    String scores = scores(model, classifier, folder.resolve("guidance.csv"), writer);
    Files.writeString(folder.resolve("README.md"), card(state, scores, run.curve(), workers));
    run.forget();
    writer.println("the model is in " + folder);
    return Lemma.OK;
  }

  /// Every class at guidance 1 and 3, from the same noise.
  private static void drawSamples(GlyphDiffusion model, Path file) throws IOException {
    int classes = model.network().config().classes();
    int size = model.network().config().imageSize();
    int[] labels = IntStream.range(0, classes).toArray();
    Tensor plain = GlyphSampler.of(model, SAMPLING_STEPS, 1).sample(labels, SAMPLING_SEED);
    Tensor guided = GlyphSampler.of(model, SAMPLING_STEPS, 3).sample(labels, SAMPLING_SEED);
    double[] pixels = Tensor.concat(0, plain, guided).toArray();
    PixelImages.writePng(PixelImages.grid(pixels, size, size, 18, 1, 2), file);
  }

  /// Draws and reads at each scale: the rows of the card's table, and the same as CSV.
  private String scores(
      GlyphDiffusion model, GlyphClassifier classifier, Path file, PrintWriter writer)
      throws IOException {
    int classes = model.network().config().classes();
    int size = model.network().config().imageSize();
    int[] labels = IntStream.range(0, samples * classes).map(i -> i % classes).toArray();
    StringBuilder table =
        new StringBuilder("| guidance | read right | classes | diversity |\n|---|---|---|---|\n");
    StringBuilder csv = new StringBuilder("guidance,accuracy,readable,diversity\n");
    GlyphDataset.Batch data = new GlyphDataset(size, seed).heldOut(labels.length);
    Tensor real = Tensor.ofShared(data.pixels(), labels.length, 1, size, size);
    double natural = GlyphScore.of(classifier, real, data.labels()).diversity();
    try (Progress progress = Progress.of("drawing", SCALES.length)) {
      for (double scale : SCALES) {
        Tensor drawn = GlyphSampler.of(model, SAMPLING_STEPS, scale).sample(labels, SAMPLING_SEED);
        GlyphScore score = GlyphScore.of(classifier, drawn, labels);
        String line =
            String.format(
                Locale.ROOT,
                "| %.0f | %.1f %% | %d of %d | %.2f |%n",
                scale,
                100 * score.accuracy(),
                score.readable(),
                classes,
                score.diversity() / natural);
        table.append(line);
        csv.append(
            String.format(
                Locale.ROOT,
                "%.0f,%.4f,%d,%.4f%n",
                scale,
                score.accuracy(),
                score.readable(),
                score.diversity() / natural));
        progress.step("guidance %.0f".formatted(scale));
        if (!Terminal.drawable()) writer.print(line);
        writer.flush();
      }
    }
    Files.writeString(file, csv);
    return table.toString();
  }

  private String card(TrainingState state, String scores, LossCurve curve, int workers) {
    return """
    # Glyphs

    A class-conditional diffusion model of %,d parameters that draws digits and capital letters of
    24 by 24 pixels. It was trained from scratch by this project's own code on glyphs that the
    project draws from outlines of its own, and is there to be looked into: small enough to train
    again in an hour, good enough that schedulers, steps and guidance visibly do what the answers
    say. It knows 36 signs and nothing else.

    License: Apache-2.0, as the project. No data from elsewhere.

    ![Every class without guidance (two rows above) and with guidance 3](samples.png)

    Every class without guidance (two rows above) and at guidance 3 (below), from the same noise.
    Nothing was picked.

    ## The model

    A U-Net: the image's 2×2 squares become channels, residual blocks at 12×12 and 6×6 with skips,
    self-attention at 6×6; timestep and class reach every block as a scale and a shift. It predicts
    the velocity v on a cosine schedule of 1000 steps.

    ## How it was trained

    | | |
    |---|---|
    | data | `GlyphDataset` with seed %d, without end: %,d glyphs were seen, each drawn anew |
    | condition | hidden for one glyph in ten, for guidance |
    | optimiser | AdamW, rate 0.002 with warm-up and a cosine down to a hundredth, clipping at norm 1 |
    | time | %.0f minutes, threads: %d, on %s, shared with other work |
    | JDK | %s |
    | command | `./lemma train diffusion --steps %d --seed %d` |
    | weights | 32-bit floats, the moving average of the last steps |

    %s
    The loss is the mean squared error of v.

    ## What guidance does

    %d drawings of each class at each scale (DDIM, %d steps, η 0, from the same noise), read by
    `../glyph-classifier`. *Classes* counts those of which at least half the drawings are read
    right. *Diversity* is the mean distance between two drawings of a class in the classifier's
    features, relative to that of %d held-out glyphs for each class. Guidance 0 leaves the class
    out: one drawing in 36 is right by chance, and the "classes" are mixtures of all.

    %s\
    """
        .formatted(
            state.average().values().stream().mapToInt(Tensor::count).sum(),
            seed,
            32 * steps,
            curve.seconds() / 60,
            workers,
            Machine.name(),
            Runtime.version(),
            steps,
            seed,
            curve.table(20),
            samples,
            SAMPLING_STEPS,
            samples,
            scores);
  }
}
