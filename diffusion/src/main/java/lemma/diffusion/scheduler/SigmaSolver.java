package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// A solver of the probability-flow equation in the one variable that makes it simple: σ.
///
/// ```
/// y = x / √ᾱ = x₀ + σ·ε        dy/dσ = ε̂(y, σ) = (y − x̂₀(y, σ)) / σ
/// ```
///
/// | solver | calls a stride | remembers | order |
/// |---|---|---|---|
/// | [Euler] | 1 | – | 1 |
/// | [EulerAncestral] | 1 | – | 1, with fresh noise |
/// | [Heun] | 2 | the first slope | 2 |
/// | [Dpm2] | 2 | the first state | 2 |
/// | [LinearMultistep] | 1 | slopes | up to 4 |
/// | [DpmSolver] | 1 | predictions | up to 3 |
/// | [DpmSolverSingleStep] | 1 | predictions of its block | up to 3 |
/// | [UniPc] | 1 | predictions and a state | one more than it predicts with |
///
/// A solver is configuration alone; the walk that it starts remembers. [SigmaScheduler] makes a
/// [Scheduler] of it. Karras et al. 2022, eq. 1, arXiv:2206.00364.
public sealed interface SigmaSolver
    permits Euler,
        EulerAncestral,
        Heun,
        Dpm2,
        LinearMultistep,
        DpmSolver,
        DpmSolverSingleStep,
        UniPc {

  /// Starts a walk.
  ///
  /// @param sigmas descending; the last, where the walk ends, may be 0
  Walk start(double[] sigmas);

  /// How often a walk down these levels asks the network.
  default int calls(double[] sigmas) {
    return sigmas.length - 1;
  }

  /// What is known of x₀ in a state.
  @FunctionalInterface
  interface Estimate {
    /// x̂₀ of the state `y` at noise level `sigma`.
    Tensor x0(Tensor y, double sigma);
  }

  /// One walk down the noise levels; each step is one call of the network.
  interface Walk {
    boolean done();

    /// The noise level of the current state, and where the network is to be asked.
    double sigma();

    /// The next state.
    Tensor step(Tensor y, Estimate estimate, NoiseSource noise);
  }

  /// The slope dy/dσ, which is ε̂.
  static Tensor slope(Tensor y, Tensor x0, double sigma) {
    return y.sub(x0).div(sigma);
  }

  /// @throws IllegalArgumentException if the noise levels do not descend to 0 or above
  static void check(double[] sigmas) {
    if (sigmas.length < 2)
      throw new IllegalArgumentException("sigmas must be two or more, were " + sigmas.length);
    for (int i = 0; i < sigmas.length; i++)
      if (!(sigmas[i] >= 0 && Double.isFinite(sigmas[i]))
          || (i > 0 && !(sigmas[i] < sigmas[i - 1] || isRepeatedEnd(sigmas, i))))
        throw new IllegalArgumentException(
            "sigmas must descend to 0 or above, number %d was %s".formatted(i, sigmas[i]));
  }

  /// A path may visit the first timestep of training and end there.
  private static boolean isRepeatedEnd(double[] sigmas, int i) {
    return i == sigmas.length - 1 && sigmas[i] == sigmas[i - 1];
  }
}
