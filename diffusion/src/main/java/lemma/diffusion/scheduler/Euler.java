package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// Along the slope: yₛ = y + (σₛ − σ̂)·d, with [Churn] before it.
///
/// Without churn it is DDIM at η = 0, written in σ. Karras et al. 2022, arXiv:2206.00364.
public record Euler(Churn churn) implements SigmaSolver {

  public Euler() {
    this(Churn.none());
  }

  @Override
  public Walk start(double[] sigmas) {
    return new SingleCallWalk(
        sigmas,
        (i, y, estimate, noise) -> {
          double sigma = churn.raised(sigmas[i], sigmas.length - 1);
          Tensor raised = churn.raise(y, sigmas[i], sigma, noise);
          Tensor slope = SigmaSolver.slope(raised, estimate.x0(raised, sigma), sigma);
          return raised.add(slope.mul(sigmas[i + 1] - sigma));
        });
  }
}
