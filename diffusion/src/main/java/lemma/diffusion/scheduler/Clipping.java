package lemma.diffusion.scheduler;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// What keeps the predicted clean image in range.
public sealed interface Clipping {

  /// The image in range; `x0` is `[batch, …]`.
  Tensor apply(Tensor x0);

  /// Latents have no range.
  record None() implements Clipping {
    @Override
    public Tensor apply(Tensor x0) {
      return x0;
    }
  }

  /// Clamps to −range … range.
  record Static(double range) implements Clipping {
    public Static {
      if (!(range > 0)) throw new IllegalArgumentException("range must be positive, was " + range);
    }

    @Override
    public Tensor apply(Tensor x0) {
      return x0.clamp(-range, range);
    }
  }

  /// Imagen: clamps to a quantile s of |x₀| of each image and divides by it, so that strong guidance
  /// does not saturate the image.
  ///
  /// ```
  /// s = clamp(quantile(|x₀|, ratio), 1, maximum)        x₀ ← clamp(x₀, −s, s) / s
  /// ```
  ///
  /// Saharia et al. 2022, section 2.3, arXiv:2205.11487.
  record Dynamic(double ratio, double maximum) implements Clipping {
    public Dynamic {
      if (!(ratio >= 0 && ratio <= 1))
        throw new IllegalArgumentException("ratio must lie in [0, 1], was " + ratio);
      if (!(maximum >= 1))
        throw new IllegalArgumentException("maximum must be 1 or more, was " + maximum);
    }

    @Override
    public Tensor apply(Tensor x0) {
      double[] thresholds = thresholds(x0);
      int[] shape = new int[x0.rank()];
      Arrays.fill(shape, 1);
      shape[0] = thresholds.length;
      Tensor s = Tensor.of(thresholds, shape);
      return x0.minimum(s).maximum(s.neg()).div(s);
    }

    /// s of every image of the batch.
    public double[] thresholds(Tensor x0) {
      if (x0.rank() == 0 || x0.count() == 0)
        throw new IllegalArgumentException("x0 must be [batch, …], was " + x0);
      double[] thresholds = new double[x0.size(0)];
      int size = x0.count() / thresholds.length;
      double[] values = x0.data();
      for (int image = 0; image < thresholds.length; image++) {
        double[] magnitudes = new double[size];
        for (int i = 0; i < size; i++) magnitudes[i] = Math.abs(values[image * size + i]);
        thresholds[image] = Math.clamp(quantile(magnitudes), 1, maximum);
      }
      return thresholds;
    }

    /// Interpolates linearly between order statistics; sorts in place.
    private double quantile(double[] values) {
      Arrays.sort(values);
      double position = ratio * (values.length - 1);
      int below = (int) position;
      int above = Math.min(below + 1, values.length - 1);
      return values[below] + (position - below) * (values[above] - values[below]);
    }
  }
}
