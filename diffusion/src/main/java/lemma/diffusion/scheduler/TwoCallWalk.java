package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// A walk of Runge–Kutta strides with two calls: a slope here, a slope at a probe.
///
/// ```
/// y′ = y + (probe − σ)·d₁        yₙ = y + (target − σ)·(w·d₁ + (1 − w)·d₂) + up·z
/// ```
///
/// A stride that ends at σ = 0, where no slope can be asked, takes d₁ alone.
final class TwoCallWalk implements SigmaSolver.Walk {

  /// @param probe where the second slope is asked
  /// @param target where the slopes lead
  /// @param up fresh noise that lifts the target to the next level
  /// @param weight of the first slope
  record Stride(double probe, double target, double up, double weight) {}

  /// The stride between two noise levels.
  @FunctionalInterface
  interface Rule {
    Stride between(double from, double to);
  }

  private record Pending(Tensor y, double sigma, Tensor slope, Stride stride) {}

  private final double[] sigmas;
  private final Churn churn;
  private final Rule rule;
  private int next;
  private Pending pending;

  TwoCallWalk(double[] sigmas, Churn churn, Rule rule) {
    SigmaSolver.check(sigmas);
    this.sigmas = sigmas;
    this.churn = churn;
    this.rule = rule;
  }

  static int calls(double[] sigmas) {
    int strides = sigmas.length - 1;
    return sigmas[strides] == 0 ? 2 * strides - 1 : 2 * strides;
  }

  @Override
  public boolean done() {
    return next == sigmas.length - 1;
  }

  @Override
  public double sigma() {
    return pending == null ? sigmas[next] : pending.stride.probe;
  }

  @Override
  public Tensor step(Tensor y, SigmaSolver.Estimate estimate, NoiseSource noise) {
    return pending == null ? first(y, estimate, noise) : second(y, estimate, noise);
  }

  private Tensor first(Tensor y, SigmaSolver.Estimate estimate, NoiseSource noise) {
    double from = sigmas[next];
    double sigma = churn.raised(from, sigmas.length - 1);
    Tensor raised = churn.raise(y, from, sigma, noise);
    Tensor slope = SigmaSolver.slope(raised, estimate.x0(raised, sigma), sigma);
    Stride stride = rule.between(sigma, sigmas[next + 1]);
    if (stride.target == 0) return finish(raised.add(slope.mul(-sigma)), stride, noise);
    pending = new Pending(raised, sigma, slope, stride);
    return raised.add(slope.mul(stride.probe - sigma));
  }

  private Tensor second(Tensor y, SigmaSolver.Estimate estimate, NoiseSource noise) {
    Stride stride = pending.stride;
    Tensor slope = SigmaSolver.slope(y, estimate.x0(y, stride.probe), stride.probe);
    Tensor mean = pending.slope.mul(stride.weight).add(slope.mul(1 - stride.weight));
    Tensor result = pending.y.add(mean.mul(stride.target - pending.sigma));
    return finish(result, stride, noise);
  }

  private Tensor finish(Tensor y, Stride stride, NoiseSource noise) {
    pending = null;
    next++;
    return stride.up == 0 ? y : y.add(noise.draw(y.shape()).mul(stride.up));
  }
}
