package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// DDIM walked upwards: from an image to the noise that [Ddim] would turn into it.
///
/// ```
/// xₜ = √ᾱₜ·x̂₀ + √(1 − ᾱₜ)·ε̂        x̂₀, ε̂ from the state below, xₛ
/// ```
///
/// Exact only for infinitely many steps: on the way back ε̂ is asked at xₜ, here at xₛ, because xₜ is
/// not known yet. The network is told timestep t, as on the way back.
///
/// Song et al. 2021, section 4.3, arXiv:2010.02502; Mokady et al. 2023, arXiv:2211.09794.
public record DdimInverse(Ddim ddim) implements Scheduler {

  /// @throws IllegalArgumentException if `ddim` draws noise
  public DdimInverse {
    if (ddim.eta() != 0)
      throw new IllegalArgumentException("only eta 0 can be inverted, was " + ddim.eta());
  }

  @Override
  public Run start(int steps) {
    int[] descending = ddim.spacing().timesteps(steps, ddim.schedule().steps());
    int[] timesteps = new int[steps];
    for (int i = 0; i < steps; i++) timesteps[i] = descending[steps - 1 - i];
    return new TimestepRun(
        timesteps,
        (i, output, x, noise) -> {
          int from = i == 0 ? ddim.end().timestep : timesteps[i - 1];
          return step(output, x, from, timesteps[i]);
        });
  }

  /// From timestep s up to t; s = −1 is the clean image.
  ///
  /// @throws IllegalArgumentException if the network predicts x₀ and s is the clean image: its ε̂
  ///     is then 0 / 0
  public Tensor step(Tensor output, Tensor x, int s, int t) {
    return ddim.step(output, x, s, t, NoiseSource.none());
  }
}
