package lemma.diffusion.model;

import java.util.Map;
import lemma.core.tensor.Tensor;
import lemma.core.training.AdamW;
import lemma.core.training.ExponentialMovingAverage;
import lemma.core.training.GradientAccumulation;
import lemma.core.training.GradientClipping;
import lemma.core.training.LearningRateSchedule;
import lemma.core.training.Objective;
import lemma.core.training.StepRandom;
import lemma.core.training.TrainingLoop;
import lemma.diffusion.glyph.GlyphDataset;

/// How the shipped models are trained. Steps and seed alone decide the result; threads do not.
///
/// | | |
/// |---|---|
/// | optimiser | AdamW, β 0.9 and 0.99, decay 0.01 on matrices and kernels |
/// | learning rate | warm-up to 0.002, then half a cosine down to a hundredth of it |
/// | gradients | of 4 micro-batches, clipped to a norm of 1 |
/// | what is kept | the moving average of the parameters, decay up to 0.998 |
///
/// @param steps of the whole run; the learning rate falls over all of them
/// @param seed of the start and of every batch
/// @param threads 1 … 4 are of use
public record GlyphTraining(long steps, long seed, int threads) {
  private static final int MICRO_BATCHES = 4;
  private static final int IMAGES_TO_DENOISE = 8;
  private static final int IMAGES_TO_CLASSIFY = 16;
  private static final long BEFORE_THE_FIRST_STEP = -1;

  /// @throws IllegalArgumentException if `steps` or `threads` is not positive
  public GlyphTraining {
    if (steps < 1) throw new IllegalArgumentException("steps must be positive, was " + steps);
    if (threads < 1) throw new IllegalArgumentException("threads must be positive, was " + threads);
  }

  /// Optimiser, rates, clipping and average.
  public TrainingLoop loop() {
    return new TrainingLoop(
        new AdamW(0.9, 0.99, 1e-8, 0.01, AdamW.Decay.DECOUPLED, (name, value) -> value.rank() >= 2),
        LearningRateSchedule.Cosine.toFloor(2e-3, Math.min(200, steps / 10), steps, 0.01),
        new GradientClipping.GlobalNorm(1),
        new ExponentialMovingAverage.Ramp(0.998),
        new GradientAccumulation(MICRO_BATCHES, threads),
        seed);
  }

  /// What the image model learns, 32 glyphs a step.
  public Objective denoising(GlyphDenoiser.Config config) {
    return new DenoisingObjective(
        config,
        GlyphDiffusion.schedule(GlyphDiffusion.TRAINING_STEPS),
        new GlyphDataset(config.imageSize(), seed),
        IMAGES_TO_DENOISE,
        0.1);
  }

  /// The image model's parameters before training.
  public Map<String, Tensor> begin(GlyphDenoiser.Config config) {
    return GlyphDenoiser.initial(config, StepRandom.of(seed, BEFORE_THE_FIRST_STEP));
  }

  /// What the classifier learns, 64 glyphs a step.
  public Objective classification(GlyphClassifier.Config config) {
    return new ClassificationObjective(
        config, new GlyphDataset(config.imageSize(), seed), IMAGES_TO_CLASSIFY, 0.3);
  }

  /// The classifier's parameters before training.
  public Map<String, Tensor> begin(GlyphClassifier.Config config) {
    return GlyphClassifier.initial(config, StepRandom.of(seed, BEFORE_THE_FIRST_STEP));
  }
}
