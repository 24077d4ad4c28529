package lemma.diffusion.scheduler;

import java.util.ArrayList;
import java.util.List;
import lemma.core.tensor.Tensor;

/// Solves the linear part of the equation exactly and extrapolates what the network predicts.
///
/// In λ = −log σ, with h = λₛ − λ and g = (1 + η)·h:
///
/// ```
/// data    yₛ = (σₛ/σ)·e^(−ηh)·y + (1 − e^(−g))·D₀ + (1 − (1 − e^(−g))/g)·D₁
///              + ((1 − e^(−g) − g)/g² + ½)·D₂ + σₛ·√(1 − e^(−2ηh))·z
/// noise   yₛ = y − (1 + η)·σₛ·((e^h − 1)·D₀ + ((e^h − 1)/h − 1)·D₁ + ((e^h − 1 − h)/h² − ½)·D₂)
///              + η·σₛ·√(e^(2h) − 1)·z
/// ```
///
/// D₀ is the newest prediction, D₁ and D₂ its first and second derivatives in λ, in units of h, from
/// differences. [Curvature] says what to take for D₂.
/// [Target#DATA] is DPM-Solver++, [Target#NOISE] is DPM-Solver; η = 1 their SDE forms. Order 2 of
/// DPM-Solver++ is known as 2M.
///
/// Lu et al. 2022, arXiv:2206.00927 and arXiv:2211.01095.
///
/// @param lowerOrderFinal whether the last strides of a run shorter than 15 fall back to orders 2
///     and 1
/// @param eulerFinal whether the last stride has order 1 in any run; one to σ = 0 always has
public record DpmSolver(
    Target target,
    int order,
    Correction correction,
    Curvature curvature,
    double eta,
    double noiseScale,
    boolean lowerOrderFinal,
    boolean eulerFinal)
    implements SigmaSolver {

  private static final int SHORT_RUN = 15;

  /// What is extrapolated.
  public enum Target {
    DATA,
    NOISE
  }

  /// The weight of D₁ at order 2: exact, or half that of D₀, which agrees to the same order.
  public enum Correction {
    MIDPOINT,
    HEUN
  }

  /// What stands for the second derivative at order 3.
  public enum Curvature {
    /// The second divided difference, half the derivative: the authors' code and all that follow it. The
    /// order that is left is 2.
    HALF(1),
    /// Twice the divided difference, which a Taylor expansion needs for order 3.
    FULL(2);

    private final double factor;

    Curvature(double factor) {
      this.factor = factor;
    }
  }

  /// @throws IllegalArgumentException if the order is not 1 … 3, or η not in [0, 1] (0 or 1 for
  ///     noise), or an SDE form of noise has order 3
  public DpmSolver {
    if (order < 1 || order > 3)
      throw new IllegalArgumentException("order must lie in 1 … 3, was " + order);
    Ancestral.checkEta(eta);
    Ancestral.checkNoiseScale(noiseScale);
    if (target == Target.NOISE && eta != 0 && (eta != 1 || order == 3))
      throw new IllegalArgumentException(
          "noise is extrapolated with eta 0, or with eta 1 up to order 2, was eta %s, order %d"
              .formatted(eta, order));
  }

  /// DPM-Solver++ of an order, without noise.
  public DpmSolver(int order) {
    this(Target.DATA, order, Correction.MIDPOINT, Curvature.HALF, 0, 1, true, false);
  }

  public DpmSolver withTarget(Target target) {
    return new DpmSolver(
        target, order, correction, curvature, eta, noiseScale, lowerOrderFinal, eulerFinal);
  }

  public DpmSolver withCorrection(Correction correction) {
    return new DpmSolver(
        target, order, correction, curvature, eta, noiseScale, lowerOrderFinal, eulerFinal);
  }

  public DpmSolver withCurvature(Curvature curvature) {
    return new DpmSolver(
        target, order, correction, curvature, eta, noiseScale, lowerOrderFinal, eulerFinal);
  }

  public DpmSolver withNoise(double eta, double noiseScale) {
    return new DpmSolver(
        target, order, correction, curvature, eta, noiseScale, lowerOrderFinal, eulerFinal);
  }

  public DpmSolver withFinal(boolean lowerOrderFinal, boolean eulerFinal) {
    return new DpmSolver(
        target, order, correction, curvature, eta, noiseScale, lowerOrderFinal, eulerFinal);
  }

  @Override
  public Walk start(double[] sigmas) {
    ExponentialStep step = new ExponentialStep(target, eta, noiseScale);
    step.check(sigmas);
    List<Tensor> predictions = new ArrayList<>(); // the newest first
    return new SingleCallWalk(
        sigmas,
        (i, y, estimate, noise) -> {
          predictions.addFirst(step.prediction(y, estimate.x0(y, sigmas[i]), sigmas[i]));
          if (predictions.size() > order) predictions.removeLast();
          int orderHere = orderAt(sigmas, i);
          double[] weights = step.weights(sigmas[i], sigmas[i + 1]);
          if (orderHere == 2 && correction == Correction.MIDPOINT) weights[1] = weights[0] / 2;
          Tensor[] d = derivatives(sigmas, i, predictions, orderHere);
          return step.advance(y, sigmas[i], sigmas[i + 1], weights, d, noise);
        });
  }

  /// The order of stride i.
  int orderAt(double[] sigmas, int i) {
    int strides = sigmas.length - 1;
    boolean lower = lowerOrderFinal && strides < SHORT_RUN;
    int most = Math.min(order, i + 1);
    boolean last = i == strides - 1;
    if (last && (lower || eulerFinal || sigmas[strides] == 0 || sigmas[i] == sigmas[strides]))
      return 1;
    return i == strides - 2 && lower ? Math.min(most, 2) : most;
  }

  private Tensor[] derivatives(double[] sigmas, int i, List<Tensor> predictions, int orderHere) {
    Tensor newest = predictions.get(0);
    if (orderHere == 1) return new Tensor[] {newest};
    double h = Math.log(sigmas[i] / sigmas[i + 1]);
    double r0 = Math.log(sigmas[i - 1] / sigmas[i]) / h;
    Tensor recent = newest.sub(predictions.get(1)).div(r0);
    if (orderHere == 2) return new Tensor[] {newest, recent};
    double r1 = Math.log(sigmas[i - 2] / sigmas[i - 1]) / h;
    Tensor older = predictions.get(1).sub(predictions.get(2)).div(r1);
    Tensor bend = recent.sub(older).div(r0 + r1);
    return new Tensor[] {newest, recent.add(bend.mul(r0)), bend.mul(curvature.factor)};
  }
}
