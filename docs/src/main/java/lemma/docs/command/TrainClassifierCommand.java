package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import lemma.core.tensor.Tensor;
import lemma.core.training.TrainingState;
import lemma.diffusion.glyph.GlyphDataset;
import lemma.diffusion.model.GlyphClassifier;
import lemma.diffusion.model.GlyphScore;
import lemma.diffusion.model.GlyphTraining;
import lemma.diffusion.model.Weights;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Trains the classifier that reads drawn glyphs.
@Command(
    name = "classifier",
    description = {
      "Trains the classifier of glyphs, which judges what the image model draws. The same steps and",
      "seed give the same weights, whatever the number of threads. Ctrl-C saves a checkpoint;",
      "--resume goes on from it."
    })
final class TrainClassifierCommand implements Callable<Integer> {
  private static final int HELD_OUT = 3600;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "2000",
      description = "optimiser steps of 64 glyphs (default: 2000)")
  private long steps;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "2",
      description = "of weights and glyphs (default: 2)")
  private long seed;

  @Mixin private TrainingOptions options;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    int workers = options.threads();
    var training = new GlyphTraining(steps, seed, workers);
    GlyphClassifier.Config config = GlyphClassifier.STANDARD;
    Path folder = options.folder("glyph-classifier");
    PrintWriter writer = spec.commandLine().getOut();
    var run = new TrainGlyphs("glyph-classifier", training, folder, writer);
    TrainingState state =
        run.run(training.begin(config), training.classification(config), options.resume());
    if (!run.finished(state)) return Lemma.OK;
    GlyphClassifier.save(folder, config, state.average());
    GlyphDataset.Batch test = new GlyphDataset(config.imageSize(), seed).heldOut(HELD_OUT);
    Tensor images =
        Tensor.ofShared(test.pixels(), HELD_OUT, 1, config.imageSize(), config.imageSize());
    GlyphClassifier classifier = GlyphClassifier.of(Weights.of(state.average()), config);
    GlyphScore score = GlyphScore.of(classifier, images, test.labels());
    Files.writeString(folder.resolve("README.md"), card(state, score, run.curve(), workers));
    run.forget();
    writer.printf(
        "reads %.1f %% of %d held-out glyphs right; the model is in %s%n",
        100 * score.accuracy(), HELD_OUT, folder);
    return Lemma.OK;
  }

  private String card(TrainingState state, GlyphScore score, LossCurve curve, int workers) {
    return """
    # Glyph classifier

    A convolutional network of %,d parameters that reads digits and capital letters of 24 by 24
    pixels, trained by this project's own code on glyphs that it draws itself. It judges what the
    image model in `../glyphs` draws; its features are what distances between sets of glyphs are
    measured in.

    License: Apache-2.0, as the project. No data from elsewhere.

    | | |
    |---|---|
    | data | `GlyphDataset` with seed %d, without end: %,d glyphs were seen, with noise of up to 0.3 |
    | held out | %,d glyphs of a separate stream, all classes alike |
    | accuracy there | **%.2f %%** |
    | diversity there | %.2f, the mean distance between features of two glyphs of a class |
    | time | %.1f minutes, threads: %d, on %s, shared with other work |
    | JDK | %s |
    | command | `./lemma train classifier --steps %d --seed %d` |
    | weights | 32-bit floats, the moving average of the last steps |

    %s\
    """
        .formatted(
            state.average().values().stream().mapToInt(Tensor::count).sum(),
            seed,
            64 * steps,
            HELD_OUT,
            100 * score.accuracy(),
            score.diversity(),
            curve.seconds() / 60,
            workers,
            Machine.name(),
            Runtime.version(),
            steps,
            seed,
            curve.table(20));
  }
}
