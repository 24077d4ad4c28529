package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import lemma.core.tensor.Tensor;
import lemma.core.training.Objective;
import lemma.core.training.TrainingCheckpoint;
import lemma.core.training.TrainingLoop;
import lemma.core.training.TrainingState;
import lemma.diffusion.model.GlyphTraining;
import lemma.diffusion.model.Weights;

/// A training run of a model of glyphs: what is shown, logged and saved on the way.
///
/// | file of `folder` | |
/// |---|---|
/// | `checkpoint.safetensors` | the state, every 100 steps and when stopped; deleted at the end |
/// | `loss.csv` | the mean loss of every 100 steps |
final class TrainGlyphs implements TrainingLoop.Listener {
  private static final int POINT_EVERY = 100;

  private final GlyphTraining training;
  private final Path folder;
  private final Path checkpoint;
  private final Map<String, String> settings;
  private final PrintWriter out;
  private InterruptibleRun run;
  private LossCurve curve = new LossCurve(List.of());
  private Progress bar;
  private double lossSum;
  private int lossCount;
  private long since;

  TrainGlyphs(String model, GlyphTraining training, Path folder, PrintWriter out) {
    this.training = training;
    this.folder = folder;
    this.out = out;
    checkpoint = folder.resolve("checkpoint.safetensors");
    settings = new TreeMap<>();
    settings.put("model", model);
    settings.put("steps", Long.toString(training.steps()));
    settings.put("seed", Long.toString(training.seed()));
  }

  /// Trains from `initial`, or from the checkpoint, to the last step or until interrupted.
  ///
  /// @throws IllegalArgumentException if a checkpoint is there and was not asked for, or is asked
  ///     for and does not fit
  TrainingState run(Map<String, Tensor> initial, Objective objective, boolean resume)
      throws IOException {
    TrainingLoop loop = training.loop();
    TrainingState state = resume ? resume(initial) : loop.begin(initial);
    if (!resume && Files.exists(checkpoint)) {
      throw new IllegalArgumentException(
          checkpoint + " exists: --resume goes on from it, another --out starts anew");
    }
    Files.createDirectories(folder);
    curve = LossCurve.read(lossFile(), resume ? state.step() : 0);
    since = System.nanoTime();
    try (InterruptibleRun interruptible = new InterruptibleRun();
        Progress progress = Progress.of("training", training.steps())) {
      run = interruptible;
      bar = progress;
      TrainingState last = loop.run(state, training.steps(), objective, this);
      if (!finished(last)) {
        save(last);
        out.printf(
            "stopped after step %d of %d; go on with --resume%n", last.step(), training.steps());
        out.flush();
      }
      return last;
    }
  }

  /// After the model was written: nothing is left to resume.
  void forget() throws IOException {
    Files.deleteIfExists(checkpoint);
  }

  boolean finished(TrainingState state) {
    return state.step() >= training.steps();
  }

  LossCurve curve() {
    return curve;
  }

  private Path lossFile() {
    return folder.resolve("loss.csv");
  }

  private TrainingState resume(Map<String, Tensor> initial) throws IOException {
    TrainingCheckpoint loaded = TrainingCheckpoint.load(checkpoint);
    if (!loaded.settings().equals(settings)) {
      throw new IllegalArgumentException(
          "%s belongs to a run with %s, not %s".formatted(checkpoint, loaded.settings(), settings));
    }
    Weights.check(loaded.state().parameters(), Weights.shapesOf(initial));
    return loaded.state();
  }

  @Override
  public boolean stepped(TrainingLoop.Progress progress) {
    long step = progress.state().step();
    lossSum += progress.loss();
    lossCount++;
    bar.at(step, "loss %.4f".formatted(lossSum / lossCount));
    if (step % POINT_EVERY == 0 || step == training.steps()) {
      try {
        point(step);
        save(progress.state());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return !run.interrupted();
  }

  private void point(long step) throws IOException {
    double seconds = curve.seconds() + (System.nanoTime() - since) / 1e9;
    curve = curve.with(new LossCurve.Point(step, lossSum / lossCount, seconds));
    curve.write(lossFile());
    if (!Terminal.drawable()) {
      out.printf(
          "step %d of %d, loss %.4f, %.0f s%n",
          step, training.steps(), curve.last().loss(), seconds);
      out.flush();
    }
    lossSum = 0;
    lossCount = 0;
    since = System.nanoTime();
  }

  private void save(TrainingState state) throws IOException {
    new TrainingCheckpoint(state, settings).save(checkpoint);
  }
}
