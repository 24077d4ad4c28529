package lemma.diffusion.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lemma.core.tensor.Tensor;
import lemma.core.training.Objective;
import lemma.core.training.TrainingCheckpoint;
import lemma.core.training.TrainingLoop;
import lemma.core.training.TrainingState;
import lemma.proof.Refusal;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Training of the shipped models, on networks so small that it takes a moment.
@DisplayNameGeneration(ReplaceUnderscores.class)
class GlyphTrainingTest {
  private static final GlyphDenoiser.Config TINY = new GlyphDenoiser.Config(8, 36, 4, 8, 8, 2, 2);
  private static final GlyphClassifier.Config SMALL = new GlyphClassifier.Config(24, 36, 4, 16);
  private static final int STEPS = 6;

  @Test
  void the_number_of_threads_does_not_change_a_bit() {
    assertSame(run(1, STEPS).average(), run(3, STEPS).average());
  }

  @Test
  void a_run_that_was_saved_and_resumed_ends_like_one_that_went_through(@TempDir Path folder)
      throws IOException {
    var training = new GlyphTraining(STEPS, 5, 2);
    TrainingLoop loop = training.loop();
    Objective objective = training.denoising(TINY);
    TrainingState stopped =
        loop.run(
            loop.begin(training.begin(TINY)),
            STEPS,
            objective,
            progress -> progress.state().step() < 4);
    assertThat(stopped.step()).isEqualTo(4);
    Path file = folder.resolve("checkpoint.safetensors");
    new TrainingCheckpoint(stopped, Map.of("seed", "5")).save(file);
    TrainingState resumed =
        loop.run(TrainingCheckpoint.load(file).state(), STEPS, objective, progress -> true);
    TrainingState whole = run(2, STEPS);
    assertSame(resumed.average(), whole.average());
    assertSame(resumed.parameters(), whole.parameters());
  }

  @Test
  void another_seed_gives_another_model() {
    var training = new GlyphTraining(STEPS, 6, 1);
    assertThat(training.begin(TINY).get("conv_in.weight").toArray())
        .isNotEqualTo(new GlyphTraining(STEPS, 5, 1).begin(TINY).get("conv_in.weight").toArray());
  }

  @Test
  void the_classifier_learns() {
    var training = new GlyphTraining(60, 7, 2);
    GlyphClassifier.Config config = GlyphClassifier.STANDARD;
    TrainingLoop loop = training.loop();
    List<Double> losses = new ArrayList<>();
    loop.run(
        loop.begin(training.begin(config)),
        60,
        training.classification(config),
        progress -> losses.add(progress.loss()));
    assertThat(losses.getFirst()).isGreaterThan(3.4); // ln 36 = 3.58: knows nothing
    assertThat(losses.getLast()).isLessThan(2.5);
  }

  @Test
  void a_model_folder_gives_back_what_was_written(@TempDir Path folder) throws IOException {
    Map<String, Tensor> weights = run(1, 2).average();
    GlyphDiffusion.save(folder, TINY, weights);
    GlyphDiffusion loaded = GlyphDiffusion.load(folder);
    assertThat(loaded.network().config()).isEqualTo(TINY);
    Tensor x = Tensor.full(0.5, 1, 1, 8, 8);
    double[] before =
        GlyphDenoiser.of(Weights.of(weights), TINY)
            .predict(x, new double[] {3}, new int[] {2})
            .toArray();
    double[] after = loaded.denoiser(2).predict(x, 3).toArray();
    for (int i = 0; i < before.length; i++) {
      // weights are narrowed to 24 bits; half a dozen layers keep that to a few 1e-7 of values near
      // 1
      assertThat(after[i]).isCloseTo(before[i], within(1e-5));
    }
  }

  @Test
  void a_folder_that_does_not_fit_is_refused_by_name(@TempDir Path folder) throws IOException {
    Refusal.of(() -> GlyphDiffusion.load(folder), "config.json", "no such file");
    GlyphClassifier.save(folder, SMALL, new GlyphTraining(1, 1, 1).begin(SMALL));
    Refusal.of(
        () -> GlyphDiffusion.load(folder), "model_type", "glyph-denoiser", "glyph-classifier");

    Path config = folder.resolve("config.json");
    String text = Files.readString(config);
    Files.writeString(config, text.replace("\"features\" : 16", "\"features\" : 17"));
    Refusal.of(
        () -> GlyphClassifier.load(folder), "model.safetensors", "hidden.weight", "[17, 144]");
    Files.writeString(config, text.replace("\"channels\" : 4", "\"channels\" : 0"));
    Refusal.of(() -> GlyphClassifier.load(folder), "config.json", "channels 0");
  }

  private static TrainingState run(int threads, long steps) {
    var training = new GlyphTraining(STEPS, 5, threads);
    TrainingLoop loop = training.loop();
    return loop.run(
        loop.begin(training.begin(TINY)), steps, training.denoising(TINY), progress -> true);
  }

  private static void assertSame(Map<String, Tensor> got, Map<String, Tensor> expected) {
    assertThat(got.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, tensor) -> assertThat(got.get(name).toArray()).as(name).isEqualTo(tensor.toArray()));
  }
}
