package lemma.diffusion.model;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;
import lemma.core.training.StepRandom;
import lemma.diffusion.guidance.ClassifierFreeGuidance;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.schedule.SigmaPath;
import lemma.diffusion.schedule.TimestepSpacing;
import lemma.diffusion.scheduler.Clipping;
import lemma.diffusion.scheduler.Ddim;
import lemma.diffusion.scheduler.Denoiser;
import lemma.diffusion.scheduler.NoiseSource;
import lemma.diffusion.scheduler.Sampler;
import lemma.diffusion.scheduler.Scheduler;
import lemma.diffusion.scheduler.SigmaScheduler;
import lemma.diffusion.scheduler.SigmaSolver;

/// Draws glyphs: noise, a scheduler and guidance, a few images at a time on every core.
///
/// Each image has a noise of its own, derived from seed and position, so it does not depend on what
/// is drawn beside it.
public record GlyphSampler(
    GlyphDiffusion model, Scheduler scheduler, int steps, ClassifierFreeGuidance guidance) {
  private static final int TOGETHER = 9;

  /// @throws IllegalArgumentException if the scheduler cannot take so many steps
  public GlyphSampler {
    scheduler.start(steps);
  }

  /// DDIM from the noisiest timestep on, with x̂₀ clamped to the range of pixels.
  public static Ddim ddim(GlyphDiffusion model, double eta) {
    return new Ddim(model.schedule())
        .withPrediction(Prediction.VELOCITY)
        .withSpacing(new TimestepSpacing.Trailing())
        .withClipping(new Clipping.Static(1), Ddim.Direction.CLIPPED)
        .withEta(eta);
  }

  /// A solver in σ on the same timesteps and with the same clamp.
  public static SigmaScheduler solver(GlyphDiffusion model, SigmaSolver solver) {
    SigmaPath path = new SigmaPath(model.schedule()).withTimesteps(new TimestepSpacing.Trailing());
    return new SigmaScheduler(path, solver)
        .withPrediction(Prediction.VELOCITY)
        .withClipping(new Clipping.Static(1));
  }

  /// With DDIM, η = 0.
  public static GlyphSampler of(GlyphDiffusion model, int steps, double guidanceScale) {
    return new GlyphSampler(
        model, ddim(model, 0), steps, new ClassifierFreeGuidance(guidanceScale));
  }

  /// An image for each label: `[n, 1, size, size]`, in [-1, 1].
  ///
  /// @throws IllegalArgumentException if a label is unknown
  public Tensor sample(int[] labels, long seed) {
    return sample(labels, seed, () -> {});
  }

  /// How many steps, each one call of the network, [#sample] takes for `n` images, all groups together.
  public long steps(int n) {
    return (long) scheduler.calls(steps) * ((n + TOGETHER - 1) / TOGETHER);
  }

  /// The same.
  ///
  /// @param stepped is told of every step of every group, by several threads
  public Tensor sample(int[] labels, long seed, Runnable stepped) {
    if (labels.length == 0) throw new IllegalArgumentException("labels must not be empty");
    int groups = (labels.length + TOGETHER - 1) / TOGETHER;
    Tensor[] images =
        IntStream.range(0, groups)
            .parallel()
            .mapToObj(group -> {
              int from = group * TOGETHER;
              int to = Math.min(from + TOGETHER, labels.length);
              return sample(Arrays.copyOfRange(labels, from, to), seed, from, stepped);
            })
            .toArray(Tensor[]::new);
    return Tensor.concat(0, images);
  }

  private Tensor sample(int[] labels, long seed, int first, Runnable stepped) {
    int size = model.network().config().imageSize();
    RandomGenerator[] random = new RandomGenerator[labels.length];
    Arrays.setAll(random, i -> StepRandom.of(seed, first + i));
    NoiseSource noise =
        shape -> {
          Tensor[] draws = new Tensor[random.length];
          Arrays.setAll(draws, i -> Tensor.gaussian(random[i], 1, 1, size, size));
          return Tensor.concat(0, draws);
        };
    int[] none = new int[labels.length];
    Arrays.fill(none, model.network().config().nullLabel());
    Denoiser guided = guidance.guide(model.denoiser(labels), model.denoiser(none));
    Tensor start = noise.draw(labels.length, 1, size, size);
    return new Sampler(scheduler, steps)
        .run(guided, start, noise, (step, timestep, x) -> stepped.run())
        .clamp(-1, 1);
  }
}
