package lemma.diffusion.model;

import java.util.Arrays;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.core.training.BatchLoss;
import lemma.core.training.Objective;
import lemma.diffusion.glyph.GlyphDataset;
import lemma.diffusion.schedule.NoiseLevel;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.schedule.Prediction;

/// What the image model learns: to see image and noise in a mixture of them.
///
/// ```
/// t ~ U{0 … T−1}     ε ~ N(0, 1)     c = "none" with probability conditionDropout
/// xₜ = √ᾱₜ·x₀ + √(1 − ᾱₜ)·ε
/// v  = √ᾱₜ·ε − √(1 − ᾱₜ)·x₀
/// L  = mean (network(xₜ, t, c) − v)²
/// ```
///
/// The velocity v weighs the error of the image and that of the noise alike at every t, where ε
/// alone says nothing about the image as long as there is hardly noise. The dropped conditions make
/// one network learn both predictions that classifier-free guidance needs.
///
/// Ho et al. 2020, algorithm 1, arXiv:2006.11239; Salimans & Ho 2022, sec. 2.4, arXiv:2202.00512; Ho
/// & Salimans 2022, algorithm 1, arXiv:2207.12598.
///
/// @param images in each micro-batch
/// @param conditionDropout probability in [0, 1] that an image's class is hidden
public record DenoisingObjective(
    GlyphDenoiser.Config config,
    NoiseSchedule schedule,
    GlyphDataset data,
    int images,
    double conditionDropout)
    implements Objective {

  /// @throws IllegalArgumentException if the image sizes differ, or a number is out of its range
  public DenoisingObjective {
    if (data.imageSize() != config.imageSize()) {
      throw new IllegalArgumentException(
          "data has images of %d pixels, the network expects %d"
              .formatted(data.imageSize(), config.imageSize()));
    }
    if (images < 1) throw new IllegalArgumentException("images must be positive, was " + images);
    if (!(conditionDropout >= 0 && conditionDropout <= 1)) {
      throw new IllegalArgumentException(
          "conditionDropout must be between 0 and 1, was " + conditionDropout);
    }
  }

  @Override
  public BatchLoss loss(
      Map<String, Tensor> parameters, long step, int microBatch, RandomGenerator random) {
    GlyphDataset.Batch batch = data.batch(images, random);
    int size = config.imageSize();
    int[] timesteps = new int[images];
    int[] labels = batch.labels().clone();
    for (int i = 0; i < images; i++) {
      timesteps[i] = random.nextInt(schedule.steps());
      if (random.nextDouble() < conditionDropout) labels[i] = config.nullLabel();
    }
    Tensor x0 = Tensor.ofShared(batch.pixels(), images, 1, size, size);
    Tensor epsilon = Tensor.gaussian(random, images, 1, size, size);
    NoiseLevel level = schedule.levels(timesteps, x0.rank());
    Tensor xt = level.noised(x0, epsilon);
    Tensor v = Prediction.VELOCITY.of(x0, epsilon, level);
    double[] t = Arrays.stream(timesteps).asDoubleStream().toArray();

    GlyphDenoiser network = GlyphDenoiser.of(Weights.of(parameters), config);
    Tensor loss = network.predict(xt, t, labels).sub(v).square().mean();
    return BatchLoss.ofMean(loss, images);
  }
}
