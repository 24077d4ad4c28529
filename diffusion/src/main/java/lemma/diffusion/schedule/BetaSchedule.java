package lemma.diffusion.schedule;

import java.util.function.DoubleUnaryOperator;

/// How much noise each training step adds: the variances β₀ … β_{T−1}.
///
/// | schedule | β |
/// |---|---|
/// | [Linear] | evenly spaced from `start` to `end` |
/// | [ScaledLinear] | evenly spaced in √β (Stable Diffusion) |
/// | [Sigmoid] | σ(−6 … 6), scaled to `start` … `end` |
/// | [Cosine] | from ᾱ(u) = cos²((u + s)/(1 + s)·π/2) |
/// | [Exponential] | from ᾱ(u) = e^(−rate·u) |
///
/// Ho et al. 2020, arXiv:2006.11239; Nichol & Dhariwal 2021, eq. 17, arXiv:2102.09672.
public sealed interface BetaSchedule {

  /// Caps β where ᾱ falls to 0, so that no step destroys everything.
  double LARGEST_BETA = 0.999;

  /// β for `steps` training steps.
  ///
  /// @throws IllegalArgumentException if `steps` is not positive
  double[] betas(int steps);

  /// β evenly spaced from `start` to `end`; Ho et al. take 0.0001 and 0.02 for 1000 steps.
  record Linear(double start, double end) implements BetaSchedule {
    public Linear {
      checkRange(start, end);
    }

    /// The range of Ho et al., scaled by 1000 / steps so that other step counts end as noisy.
    public static Linear rescaled(int steps) {
      checkSteps(steps);
      return new Linear(1e-4 * 1000 / steps, 0.02 * 1000 / steps);
    }

    @Override
    public double[] betas(int steps) {
      return spaced(steps, start, end);
    }
  }

  /// β whose square roots are evenly spaced; Stable Diffusion takes 0.00085 and 0.012.
  record ScaledLinear(double start, double end) implements BetaSchedule {
    public ScaledLinear {
      checkRange(start, end);
    }

    @Override
    public double[] betas(int steps) {
      double[] roots = spaced(steps, Math.sqrt(start), Math.sqrt(end));
      for (int t = 0; t < steps; t++) roots[t] *= roots[t];
      return roots;
    }
  }

  /// β on a logistic curve between `start` and `end`.
  record Sigmoid(double start, double end) implements BetaSchedule {
    public Sigmoid {
      checkRange(start, end);
    }

    @Override
    public double[] betas(int steps) {
      double[] z = spaced(steps, -6, 6);
      for (int t = 0; t < steps; t++) z[t] = (end - start) / (1 + Math.exp(-z[t])) + start;
      return z;
    }
  }

  /// ᾱ falls like a squared cosine; the offset s = 0.008 keeps the first β from vanishing.
  record Cosine(double offset) implements BetaSchedule {
    public Cosine {
      if (!(offset >= 0))
        throw new IllegalArgumentException("offset must be 0 or more, was " + offset);
    }

    public Cosine() {
      this(0.008);
    }

    @Override
    public double[] betas(int steps) {
      return fromAlphaBar(
          steps,
          u -> {
            double cosine = Math.cos((u + offset) / (1 + offset) * Math.PI / 2);
            return cosine * cosine;
          });
    }
  }

  /// ᾱ falls exponentially; diffusers takes a rate of 12.
  record Exponential(double rate) implements BetaSchedule {
    public Exponential {
      if (!(rate > 0)) throw new IllegalArgumentException("rate must be positive, was " + rate);
    }

    @Override
    public double[] betas(int steps) {
      return fromAlphaBar(steps, u -> Math.exp(-rate * u));
    }
  }

  /// β = 1 − ᾱ((t + 1)/T) / ᾱ(t/T), at most [#LARGEST_BETA].
  private static double[] fromAlphaBar(int steps, DoubleUnaryOperator alphaBar) {
    checkSteps(steps);
    double[] betas = new double[steps];
    for (int t = 0; t < steps; t++) {
      double kept =
          alphaBar.applyAsDouble((t + 1.0) / steps) / alphaBar.applyAsDouble((double) t / steps);
      betas[t] = Math.min(1 - kept, LARGEST_BETA);
    }
    return betas;
  }

  /// `steps` numbers from `first` to `last`, both included.
  private static double[] spaced(int steps, double first, double last) {
    checkSteps(steps);
    double[] values = new double[steps];
    double step = steps == 1 ? 0 : (last - first) / (steps - 1);
    for (int t = 0; t < steps; t++) values[t] = first + t * step;
    return values;
  }

  private static void checkSteps(int steps) {
    if (steps < 1) throw new IllegalArgumentException("steps must be 1 or more, was " + steps);
  }

  private static void checkRange(double start, double end) {
    if (!(start > 0 && start <= end && end < 1))
      throw new IllegalArgumentException(
          "0 < start ≤ end < 1 is needed, was start %s and end %s".formatted(start, end));
  }
}
