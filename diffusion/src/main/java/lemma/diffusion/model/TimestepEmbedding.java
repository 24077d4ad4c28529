package lemma.diffusion.model;

import lemma.core.tensor.Tensor;

/// A timestep as a vector of sines and cosines, from fast to slow.
///
/// ```
/// fᵢ = maxPeriod^(−i / (dim/2 − downscaleFreqShift))      0 ≤ i < dim/2
/// e(t) = [cos(s·t·f₀), …, cos(s·t·fₗ), sin(s·t·f₀), …, sin(s·t·fₗ)]
/// ```
///
/// Every convention in use differs in one of the components below, and a checkpoint trained with one
/// is useless with another.
///
/// | | sines first | shift | scale |
/// |---|---|---|---|
/// | DDPM (Ho et al. 2020) | yes | 1 | 1 |
/// | Stable Diffusion, DiT, guided-diffusion | no | 0 | 1 |
/// | FLUX, t ∈ [0, 1] | no | 0 | 1000 |
/// | LCM guidance embedding of w − 1 | yes | 1 | 1000 |
///
/// The vector is not added to the image: a small network turns it into what every block receives
/// ([ResNetBlock]).
///
/// Ho et al. 2020, app. B, arXiv:2006.11239. Answer: `image/timestep-embedding.md`.
///
/// @param dim length of the vector; an odd one ends in a zero
/// @param cosineFirst `flip_sin_to_cos` in diffusers
/// @param downscaleFreqShift 1: the slowest frequency is 1/maxPeriod; 0: it is one step faster
/// @param scale of the timestep
/// @param maxPeriod 10000 everywhere
public record TimestepEmbedding(
    int dim, boolean cosineFirst, double downscaleFreqShift, double scale, double maxPeriod) {

  /// @throws IllegalArgumentException if there is no frequency, or a component is not positive
  public TimestepEmbedding {
    if (dim < 2 || !(Math.floorDiv(dim, 2) > downscaleFreqShift)) {
      throw new IllegalArgumentException(
          "dim %d must be at least 2 and half of it larger than downscaleFreqShift %s"
              .formatted(dim, downscaleFreqShift));
    }
    if (!(scale > 0) || !(maxPeriod > 0)) {
      throw new IllegalArgumentException(
          "scale and maxPeriod must be positive, were " + scale + " and " + maxPeriod);
    }
  }

  /// As in Stable Diffusion.
  public static TimestepEmbedding stableDiffusion(int dim) {
    return new TimestepEmbedding(dim, true, 0, 1, 10_000);
  }

  /// As in the paper.
  public static TimestepEmbedding ddpm(int dim) {
    return new TimestepEmbedding(dim, false, 1, 1, 10_000);
  }

  /// As in FLUX, for times in [0, 1].
  public static TimestepEmbedding flux(int dim) {
    return new TimestepEmbedding(dim, true, 0, 1000, 10_000);
  }

  /// One row each: `[timesteps, dim]`.
  public Tensor apply(double... timesteps) {
    int half = dim / 2;
    double[] rows = new double[timesteps.length * dim];
    for (int row = 0; row < timesteps.length; row++) {
      for (int i = 0; i < half; i++) {
        double frequency = Math.exp(-Math.log(maxPeriod) * i / (half - downscaleFreqShift));
        double angle = scale * timesteps[row] * frequency;
        rows[row * dim + i] = cosineFirst ? Math.cos(angle) : Math.sin(angle);
        rows[row * dim + half + i] = cosineFirst ? Math.sin(angle) : Math.cos(angle);
      }
    }
    return Tensor.ofShared(rows, timesteps.length, dim);
  }
}
