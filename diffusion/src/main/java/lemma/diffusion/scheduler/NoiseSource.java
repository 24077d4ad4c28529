package lemma.diffusion.scheduler;

import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;

/// Where a solver draws its standard normal noise from.
@FunctionalInterface
public interface NoiseSource {
  Tensor draw(int... shape);

  static NoiseSource gaussian(RandomGenerator random) {
    return shape -> Tensor.gaussian(random, shape);
  }

  /// For solvers that draw nothing: drawing is refused.
  static NoiseSource none() {
    return shape -> {
      throw new IllegalArgumentException("this scheduler needs noise, none was given");
    };
  }
}
