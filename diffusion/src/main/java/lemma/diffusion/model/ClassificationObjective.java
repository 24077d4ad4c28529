package lemma.diffusion.model;

import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.core.training.BatchLoss;
import lemma.core.training.CrossEntropy;
import lemma.core.training.Objective;
import lemma.diffusion.glyph.GlyphDataset;

/// What the classifier learns: the class of each glyph.
///
/// ```
/// L = −mean log softmax(logits(x))[class]        x with noise of standard deviation u·noise, u ~ U[0, 1)
/// ```
///
/// The noise keeps it from relying on pixels so clean that no sampler draws them.
///
/// @param images in each micro-batch
/// @param noise the largest standard deviation
public record ClassificationObjective(
    GlyphClassifier.Config config, GlyphDataset data, int images, double noise)
    implements Objective {

  /// @throws IllegalArgumentException if the image sizes differ, or a number is out of its range
  public ClassificationObjective {
    if (data.imageSize() != config.imageSize()) {
      throw new IllegalArgumentException(
          "data has images of %d pixels, the network expects %d"
              .formatted(data.imageSize(), config.imageSize()));
    }
    if (images < 1) throw new IllegalArgumentException("images must be positive, was " + images);
    if (!(noise >= 0)) throw new IllegalArgumentException("noise must be 0 or more, was " + noise);
  }

  @Override
  public BatchLoss loss(
      Map<String, Tensor> parameters, long step, int microBatch, RandomGenerator random) {
    GlyphDataset.Batch batch = data.batch(images, random);
    int size = config.imageSize();
    Tensor x = Tensor.ofShared(batch.pixels(), images, 1, size, size);
    Tensor deviation = Tensor.uniform(0, 1, random, images, 1, 1, 1).mul(noise);
    Tensor noisy = x.add(Tensor.gaussian(random, images, 1, size, size).mul(deviation));
    GlyphClassifier network = GlyphClassifier.of(Weights.of(parameters), config);
    Tensor logits = network.logits(noisy);
    return new BatchLoss(CrossEntropy.standard().sum(logits, batch.labels()), images);
  }
}
