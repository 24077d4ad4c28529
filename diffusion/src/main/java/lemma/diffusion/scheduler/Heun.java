package lemma.diffusion.scheduler;

/// The trapezoidal rule: the mean of the slopes at both ends of the stride.
///
/// The last stride, to σ = 0, is [Euler]'s: N strides are 2N − 1 calls. With [Churn] it is the
/// sampler of EDM. Karras et al. 2022, algorithms 1 and 2, arXiv:2206.00364.
public record Heun(Churn churn) implements SigmaSolver {

  public Heun() {
    this(Churn.none());
  }

  @Override
  public Walk start(double[] sigmas) {
    return new TwoCallWalk(sigmas, churn, (from, to) -> new TwoCallWalk.Stride(to, to, 0, 0.5));
  }

  @Override
  public int calls(double[] sigmas) {
    return TwoCallWalk.calls(sigmas);
  }
}
