package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// What the solvers of DPM-Solver's family share: the exact linear part, and the weights of a constant,
/// a straight line and a parabola through the predictions.
record ExponentialStep(DpmSolver.Target target, double eta, double noiseScale) {

  /// @throws IllegalArgumentException if noise would be extrapolated down to σ = 0
  void check(double[] sigmas) {
    if (target == DpmSolver.Target.NOISE && sigmas.length > 0 && sigmas[sigmas.length - 1] == 0)
      throw new IllegalArgumentException(
          "sigmas must end above 0 where noise is extrapolated: its weights grow without bound");
  }

  Tensor prediction(Tensor y, Tensor x0, double sigma) {
    return target == DpmSolver.Target.DATA ? x0 : SigmaSolver.slope(y, x0, sigma);
  }

  /// The weights of D₀, D₁ and D₂ between two noise levels.
  double[] weights(double from, double to) {
    double h = Math.log(from / to);
    if (target == DpmSolver.Target.DATA) {
      double g = (1 + eta) * h;
      double first = -Math.expm1(-g);
      return new double[] {first, 1 - first / g, (first - g) / (g * g) + 0.5};
    }
    double first = Math.expm1(h);
    double scale = -(1 + eta) * to;
    return new double[] {
      scale * first, scale * (first / h - 1), scale * ((first - h) / (h * h) - 0.5)
    };
  }

  /// The state at `to`: linear part, Σ weights·d, noise.
  Tensor advance(
      Tensor y, double from, double to, double[] weights, Tensor[] d, NoiseSource noise) {
    double ratio = to / from; // e^(−h)
    boolean data = target == DpmSolver.Target.DATA;
    Tensor next = data ? y.mul(ratio * Math.pow(ratio, eta)) : y;
    for (int k = 0; k < d.length; k++) next = next.add(d[k].mul(weights[k]));
    if (eta == 0 || to == 0) return next;
    double spread = data ? 1 - Math.pow(ratio, 2 * eta) : Math.pow(ratio, -2 * eta) - 1;
    return next.add(noise.draw(y.shape()).mul(noiseScale * to * Math.sqrt(spread)));
  }
}
