package lemma.diffusion.bucketing;

import lemma.core.tensor.Tensor;
import lemma.diffusion.model.TimestepEmbedding;

/// What SDXL is told about an image's size: its own, where it was cropped, and what was asked for.
///
/// ```
/// ids = (originalHeight, originalWidth, cropTop, cropLeft, targetHeight, targetWidth)
/// e   = [embed(ids₀), …, embed(ids₅)]
/// ```
///
/// A small image need not be thrown away, and at sampling a crop of (0, 0) asks for a centred
/// object.
///
/// Podell et al. 2023, section 2.2, arXiv:2307.01952.
public record SizeConditioning(Resolution original, int cropTop, int cropLeft, Resolution target) {

  /// The conditioning of an image as it was prepared.
  public static SizeConditioning of(Resolution image, CropPlan plan) {
    return new SizeConditioning(image, plan.top(), plan.left(), plan.bucket());
  }

  /// Height before width in each pair.
  public double[] timeIds() {
    return new double[] {
      original.height(), original.width(), cropTop, cropLeft, target.height(), target.width()
    };
  }

  /// The six numbers embedded and put behind each other, `[6 · dim]`; SDXL takes `dim` 256.
  public Tensor embedding(int dim) {
    return TimestepEmbedding.stableDiffusion(dim).apply(timeIds()).reshape(-1);
  }
}
