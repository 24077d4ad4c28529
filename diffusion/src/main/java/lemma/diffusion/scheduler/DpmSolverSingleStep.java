package lemma.diffusion.scheduler;

import java.util.ArrayList;
import java.util.List;
import lemma.core.tensor.Tensor;

/// [DpmSolver] in blocks of `order` strides that use nothing from before the block.
///
/// Stride k of a block goes again from the block's first state, with the order k: 1, 2, 3, 1, 2, 3, …
/// Only the last state of a block has the full order, so that a block is a Runge–Kutta stride of as
/// many calls.
///
/// Lu et al. 2022, algorithms 1 and 2, arXiv:2206.00927.
///
/// @param correction how D₁ is weighted at order 2; at order 3 MIDPOINT leaves out the curvature
/// @param lowerOrderFinal whether the last strides fall back to lower orders; they do in any case where
///     they do not fill a block, or end at 0
public record DpmSolverSingleStep(
    DpmSolver.Target target,
    int order,
    DpmSolver.Correction correction,
    double eta,
    double noiseScale,
    boolean lowerOrderFinal)
    implements SigmaSolver {

  /// @throws IllegalArgumentException if the order is not 1 … 3, or η not in [0, 1] (0 or 1 for
  ///     noise, 0 at order 3)
  public DpmSolverSingleStep {
    if (order < 1 || order > 3)
      throw new IllegalArgumentException("order must lie in 1 … 3, was " + order);
    Ancestral.checkEta(eta);
    Ancestral.checkNoiseScale(noiseScale);
    boolean half = target == DpmSolver.Target.NOISE && eta != 0 && eta != 1;
    if (half || (order == 3 && eta != 0))
      throw new IllegalArgumentException(
          "eta must be 0 at order 3, and 0 or 1 for noise, was %s at order %d"
              .formatted(eta, order));
  }

  /// Of x₀, without noise.
  public DpmSolverSingleStep(int order) {
    this(DpmSolver.Target.DATA, order, DpmSolver.Correction.MIDPOINT, 0, 1, false);
  }

  @Override
  public Walk start(double[] sigmas) {
    ExponentialStep step = new ExponentialStep(target, eta, noiseScale);
    step.check(sigmas);
    int[] orders = orders(sigmas);
    List<Tensor> block = new ArrayList<>(); // the oldest first
    Tensor[] first = {null};
    return new SingleCallWalk(
        sigmas,
        (i, y, estimate, noise) -> {
          if (orders[i] == 1) {
            block.clear();
            first[0] = y;
          }
          block.add(step.prediction(y, estimate.x0(y, sigmas[i]), sigmas[i]));
          double from = sigmas[i + 1 - orders[i]];
          double[] weights = step.weights(from, sigmas[i + 1]);
          if (orders[i] == 2 && correction == DpmSolver.Correction.MIDPOINT)
            weights[1] = weights[0] / 2;
          return step.advance(
              first[0], from, sigmas[i + 1], weights, derivatives(sigmas, i, block), noise);
        });
  }

  /// The order of every stride: blocks of 1 … `order`, then what is left.
  int[] orders(double[] sigmas) {
    int n = Math.max(0, sigmas.length - 1);
    int[] orders = new int[n];
    for (int i = 0; i < n; i++) orders[i] = i % order + 1;
    if (n == 0) return orders;
    boolean clean = sigmas[n] == 0;
    if (clean || (lowerOrderFinal && n % order == 0)) orders[n - 1] = 1;
    return orders;
  }

  /// The prediction at the block's start and its derivatives there, in units of the stride.
  private Tensor[] derivatives(double[] sigmas, int i, List<Tensor> block) {
    int count = block.size();
    Tensor start = block.getFirst();
    if (count == 1) return new Tensor[] {start};
    int from = i + 1 - count;
    double h = Math.log(sigmas[from] / sigmas[i + 1]);
    double r0 = Math.log(sigmas[from] / sigmas[i]) / h;
    Tensor far = block.getLast().sub(start).div(r0);
    if (count == 2 || correction == DpmSolver.Correction.MIDPOINT) return new Tensor[] {start, far};
    double r1 = Math.log(sigmas[from] / sigmas[from + 1]) / h;
    Tensor near = block.get(1).sub(start).div(r1);
    Tensor slope = near.mul(r0).sub(far.mul(r1)).div(r0 - r1);
    return new Tensor[] {start, slope, far.sub(near).mul(2 / (r0 - r1))};
  }
}
