package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// A walk that asks the network once a stride.
final class SingleCallWalk implements SigmaSolver.Walk {

  /// From noise level i to i + 1.
  @FunctionalInterface
  interface Stride {
    Tensor apply(int i, Tensor y, SigmaSolver.Estimate estimate, NoiseSource noise);
  }

  private final double[] sigmas;
  private final Stride stride;
  private int next;

  SingleCallWalk(double[] sigmas, Stride stride) {
    SigmaSolver.check(sigmas);
    this.sigmas = sigmas;
    this.stride = stride;
  }

  @Override
  public boolean done() {
    return next == sigmas.length - 1;
  }

  @Override
  public double sigma() {
    return sigmas[next];
  }

  @Override
  public Tensor step(Tensor y, SigmaSolver.Estimate estimate, NoiseSource noise) {
    Tensor result = stride.apply(next, y, estimate, noise);
    next++;
    return result;
  }
}
