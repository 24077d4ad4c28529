package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// Along the slope to [Ancestral#down], then fresh noise: yₛ = y + (down − σ)·d + up·z.
public record EulerAncestral(double eta, double noiseScale) implements SigmaSolver {

  /// @throws IllegalArgumentException if `eta` is outside [0, 1] or `noiseScale` negative
  public EulerAncestral {
    Ancestral.checkEta(eta);
    Ancestral.checkNoiseScale(noiseScale);
  }

  public EulerAncestral() {
    this(1, 1);
  }

  @Override
  public Walk start(double[] sigmas) {
    return new SingleCallWalk(
        sigmas,
        (i, y, estimate, noise) -> {
          Ancestral stride = Ancestral.of(sigmas[i], sigmas[i + 1], eta);
          Tensor slope = SigmaSolver.slope(y, estimate.x0(y, sigmas[i]), sigmas[i]);
          Tensor lower = y.add(slope.mul(stride.down() - sigmas[i]));
          return stride.up() == 0
              ? lower
              : lower.add(noise.draw(y.shape()).mul(noiseScale * stride.up()));
        });
  }
}
