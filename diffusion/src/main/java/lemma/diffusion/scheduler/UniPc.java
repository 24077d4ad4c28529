package lemma.diffusion.scheduler;

import java.util.ArrayList;
import java.util.List;
import lemma.core.tensor.Tensor;

/// A predictor like [DpmSolver]'s whose every state is corrected when its own prediction is known.
///
/// With g = −h for data and g = h for noise, s = 1 or σₛ, and differences D to the newest m₀:
///
/// ```
/// ȳ  = (σₛ/σ)·y − (e^g − 1)·m₀   (data)        ȳ = y − σₛ·(e^g − 1)·m₀   (noise)
/// yₛ = ȳ − s·B·Σₖ aₖ·Dₖ / rₖ        Σₖ aₖ·rₖ^(j−1) = j!·φⱼ₊₁(g)·g / B,  j = 1 … p
/// ```
///
/// The corrector solves for one weight more, with rₚ = 1 for the state itself; it costs no call, as
/// that prediction is needed for the next stride anyway. A corrected state is one order better.
///
/// Zhao et al. 2023, arXiv:2302.04867.
///
/// @param lowerOrderFinal whether the last strides fall back to lower orders
public record UniPc(DpmSolver.Target target, int order, Scale scale, boolean lowerOrderFinal)
    implements SigmaSolver {

  /// B, which any function of that order may be.
  public enum Scale {
    /// B₁ = g.
    LINEAR,
    /// B₂ = e^g − 1.
    EXPONENTIAL
  }

  /// @throws IllegalArgumentException if the order is not 1 … 3
  public UniPc {
    if (order < 1 || order > 3)
      throw new IllegalArgumentException("order must lie in 1 … 3, was " + order);
  }

  /// Of x₀, with B₂.
  public UniPc(int order) {
    this(DpmSolver.Target.DATA, order, Scale.EXPONENTIAL, true);
  }

  @Override
  public Walk start(double[] sigmas) {
    new ExponentialStep(target, 0, 0).check(sigmas);
    return new SingleCallWalk(sigmas, new Memory(sigmas));
  }

  private final class Memory implements SingleCallWalk.Stride {
    private final double[] sigmas;
    private final List<Tensor> predictions = new ArrayList<>(); // the newest first
    private Tensor previous;
    private int previousOrder;

    Memory(double[] sigmas) {
      this.sigmas = sigmas;
    }

    @Override
    public Tensor apply(int i, Tensor y, Estimate estimate, NoiseSource noise) {
      Tensor x0 = estimate.x0(y, sigmas[i]);
      Tensor prediction =
          target == DpmSolver.Target.DATA ? x0 : SigmaSolver.slope(y, x0, sigmas[i]);
      Tensor corrected = i == 0 ? y : stride(i - 1, previous, previousOrder, prediction);
      predictions.addFirst(prediction);
      if (predictions.size() > order) predictions.removeLast();
      previous = corrected;
      previousOrder = orderAt(i);
      return stride(i, corrected, previousOrder, null);
    }

    private int orderAt(int i) {
      int strides = sigmas.length - 1;
      if (sigmas[i + 1] == 0 || sigmas[i + 1] == sigmas[i]) return 1;
      return Math.min(lowerOrderFinal ? Math.min(order, strides - i) : order, i + 1);
    }

    /// From level i to i + 1; `ahead`, the prediction there, is null for the predictor.
    private Tensor stride(int i, Tensor y, int orderHere, Tensor ahead) {
      boolean data = target == DpmSolver.Target.DATA;
      double to = sigmas[i + 1];
      double h = Math.log(sigmas[i] / to);
      double g = data ? -h : h;
      double grown = Math.expm1(g);
      double s = data ? 1 : to;
      double b = scale == Scale.LINEAR ? g : grown;
      Tensor newest = predictions.getFirst();
      Tensor next = y.mul(data ? to / sigmas[i] : 1).sub(newest.mul(s * grown));
      int count = ahead == null ? orderHere - 1 : orderHere;
      if (count == 0) return next;
      double[] r = new double[count];
      for (int k = 0; k < orderHere - 1; k++) r[k] = Math.log(sigmas[i] / sigmas[i - 1 - k]) / h;
      if (ahead != null) r[count - 1] = 1;
      double[] weights = count == 1 ? new double[] {0.5} : weights(r, g, b);
      for (int k = 0; k < count; k++) {
        Tensor other = k == orderHere - 1 ? ahead : predictions.get(k + 1);
        next = next.sub(other.sub(newest).mul(s * b * weights[k] / r[k]));
      }
      return next;
    }
  }

  /// Solves Σₖ aₖ·rₖ^(j−1) = j!·φⱼ₊₁(g)·g / B by Gaussian elimination; the r differ.
  private static double[] weights(double[] r, double g, double b) {
    int n = r.length;
    double[][] rows = new double[n][n + 1];
    double phi = Math.expm1(g) / g - 1;
    double factorial = 1;
    for (int j = 0; j < n; j++) {
      for (int k = 0; k < n; k++) rows[j][k] = Math.pow(r[k], j);
      rows[j][n] = phi * factorial / b;
      factorial *= j + 2;
      phi = phi / g - 1 / factorial;
    }
    for (int pivot = 0; pivot < n; pivot++)
      for (int row = 0; row < n; row++) {
        if (row == pivot) continue;
        double factor = rows[row][pivot] / rows[pivot][pivot];
        for (int k = pivot; k <= n; k++) rows[row][k] -= factor * rows[pivot][k];
      }
    double[] solution = new double[n];
    for (int k = 0; k < n; k++) solution[k] = rows[k][n] / rows[k][k];
    return solution;
  }
}
