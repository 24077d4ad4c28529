package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import lemma.core.story.StoryCorpus;
import lemma.core.story.StoryRecipe;
import lemma.core.story.StoryTraining;
import lemma.core.training.TrainingLoop;
import lemma.core.training.TrainingState;
import lemma.docs.ProjectHome;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Trains the language model of the shipped stories.
@Command(
    name = "lm",
    description = {
      "Trains the small language model on the shipped stories, or on texts of your own: a folder of",
      ".txt files with blank lines between stories. The same recipe, seed and data give the same",
      "model, whatever the number of threads. Ctrl-C saves a checkpoint; --resume goes on from it."
    })
final class TrainLmCommand implements Callable<Integer> {
  private static final int LINE_EVERY = 20;
  private static final int EVALUATE_EVERY = 50;
  private static final int SAVE_EVERY = 100;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "optimiser steps (default: the recipe's)")
  private Integer steps;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "of weights, order and dropout (default: 1)")
  private long seed;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "folder of .txt files (default: core/data/stories of the project)")
  private Path data;

  @Mixin private TrainingOptions options;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    ProjectHome home = ProjectHome.find();
    Path from = data != null ? data : home.path("core", "data", "stories");
    Path folder = options.folder("storyteller");
    int workers = options.threads();
    StoryRecipe recipe = StoryRecipe.shipped().withSeed(seed);
    if (steps != null) recipe = recipe.withSteps(steps);

    StoryCorpus corpus = StoryCorpus.read(from);
    StoryTraining training = new StoryTraining(recipe, corpus, workers);
    Path checkpoint = folder.resolve("checkpoint.safetensors");
    Path curveFile = folder.resolve("curve.csv");
    if (!options.resume() && Files.exists(checkpoint))
      throw new IllegalArgumentException(
          checkpoint + " exists: --resume goes on from it, another --out starts anew");
    TrainingState state = options.resume() ? training.resume(checkpoint) : training.begin();
    TrainLmCurve curve =
        options.resume() ? TrainLmCurve.read(curveFile, state.step()) : TrainLmCurve.empty();

    PrintWriter writer = spec.commandLine().getOut();
    Files.createDirectories(folder);
    var run = new Run(training, recipe, checkpoint, curveFile, curve, writer);
    state = run.from(state);
    if (state.step() < recipe.steps()) {
      writer.println(
          "stopped after step %d of %d; go on with --resume"
              .formatted(state.step(), recipe.steps()));
      return Lemma.OK;
    }
    training.model(state).save(folder);
    Files.writeString(
        folder.resolve("README.md"),
        new TrainLmCard(recipe, corpus, training, training.model(state), run.curve, workers)
            .text());
    Files.deleteIfExists(checkpoint);
    writer.println(
        "held-out loss %.4f; the model is in %s".formatted(run.curve.last().heldOut(), folder));
    return Lemma.OK;
  }

  /// The steps, with what is shown, measured and saved on the way.
  private static final class Run implements TrainingLoop.Listener {
    private final StoryTraining training;
    private final StoryRecipe recipe;
    private final Path checkpoint;
    private final Path curveFile;
    private final PrintWriter writer;
    private TrainLmCurve curve;
    private InterruptibleRun run;
    private Progress bar;
    private double lossSum;
    private int lossCount;
    private long since = System.nanoTime();

    Run(
        StoryTraining training,
        StoryRecipe recipe,
        Path checkpoint,
        Path curveFile,
        TrainLmCurve curve,
        PrintWriter writer) {
      this.training = training;
      this.recipe = recipe;
      this.checkpoint = checkpoint;
      this.curveFile = curveFile;
      this.curve = curve;
      this.writer = writer;
    }

    TrainingState from(TrainingState state) throws IOException {
      try (InterruptibleRun interruptible = new InterruptibleRun();
          Progress progress = Progress.of("training", recipe.steps())) {
        run = interruptible;
        bar = progress;
        TrainingState last = training.run(state, this);
        if (last.step() < recipe.steps()) training.save(last, checkpoint);
        return last;
      }
    }

    @Override
    public boolean stepped(TrainingLoop.Progress progress) {
      long step = progress.state().step();
      lossSum += progress.loss();
      lossCount++;
      if (step % EVALUATE_EVERY == 0 || step == recipe.steps()) evaluate(progress.state());
      if (step % SAVE_EVERY == 0) save(progress.state());
      String heldOut = curve.isEmpty() ? "" : ", held-out %.3f".formatted(curve.last().heldOut());
      bar.at(step, "loss %.3f%s".formatted(progress.loss(), heldOut));
      if (!Terminal.drawable() && (step % LINE_EVERY == 0 || step == recipe.steps()))
        writer.println(
            "step %d of %d, loss %.3f%s".formatted(step, recipe.steps(), progress.loss(), heldOut));
      return !run.interrupted();
    }

    private void evaluate(TrainingState state) {
      double heldOut = training.heldOutLoss(state);
      double seconds = (System.nanoTime() - since) / 1e9;
      curve = curve.with(state.step(), lossSum / lossCount, heldOut, seconds);
      since = System.nanoTime();
      lossSum = 0;
      lossCount = 0;
      curve.write(curveFile);
    }

    private void save(TrainingState state) {
      try {
        training.save(state, checkpoint);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
