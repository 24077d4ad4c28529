package lemma.diffusion.scheduler;

/// The midpoint rule: the slope halfway in log σ; with η > 0 its ancestral form.
///
/// ```
/// probe = √(σ·σₛ)
/// ```
///
/// The last stride, to σ = 0, is [Euler]'s. DPM-Solver-2 in the form of Karras et al. 2022,
/// arXiv:2206.00364.
public record Dpm2(double eta, double noiseScale, Churn churn) implements SigmaSolver {

  /// @throws IllegalArgumentException if `eta` is outside [0, 1] or `noiseScale` negative
  public Dpm2 {
    Ancestral.checkEta(eta);
    Ancestral.checkNoiseScale(noiseScale);
  }

  /// Without noise.
  public Dpm2() {
    this(0, 1, Churn.none());
  }

  public static Dpm2 ancestral() {
    return new Dpm2(1, 1, Churn.none());
  }

  @Override
  public Walk start(double[] sigmas) {
    return new TwoCallWalk(
        sigmas,
        churn,
        (from, to) -> {
          Ancestral stride = Ancestral.of(from, to, eta);
          return new TwoCallWalk.Stride(
              Math.sqrt(from * stride.down()), stride.down(), noiseScale * stride.up(), 0);
        });
  }

  @Override
  public int calls(double[] sigmas) {
    return TwoCallWalk.calls(sigmas);
  }
}
