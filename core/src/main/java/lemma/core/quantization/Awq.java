package lemma.core.quantization;

import lemma.core.tensor.Tensor;

/// Rounding to nearest after the columns that meet large inputs were scaled up.
///
/// ```
/// Ŵ = round(W·diag(s))·diag(1/s)        sⱼ = mean|xⱼ|^α,  then s / √(max s · min s)
/// α = argmin ‖X·Wᵀ − X·Ŵᵀ‖²  over  0, 1/n, … (n−1)/n
/// ```
///
/// Without rounding nothing changes: s and 1/s cancel. A level of a column scaled by s > 1 is s times
/// finer in its own units, as long as the group's range does not grow as much; the columns beside it
/// pay. α = 0 is plain rounding, so the search cannot lose on its own inputs. In a model, 1/s is
/// folded into the layer before.
///
/// Lin et al. 2024, section 3.2 and eq. 4-5, arXiv:2306.00978. Answer: `quantization/awq.md`.
///
/// @param gridPoints values of α that are tried, 20 in the paper
public record Awq(GroupQuantiser quantiser, int gridPoints) {
  private static final double LEAST = 1e-4; // of a column that no input reaches

  /// What was found.
  ///
  /// @param weight `[out, in]`, what the levels stand for, in the units of the original weight
  /// @param scales `[in]`, s
  /// @param alpha the exponent
  /// @param outputError on the calibration inputs
  public record Result(Tensor weight, Tensor scales, double alpha, double outputError) {}

  /// @throws IllegalArgumentException if `gridPoints` is not positive
  public Awq {
    if (gridPoints <= 0)
      throw new IllegalArgumentException("gridPoints must be positive, were " + gridPoints);
  }

  /// Quantises `weight [out, in]` for inputs like `inputs [samples, in]`.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit
  public Result quantise(Tensor weight, Tensor inputs) {
    GroupQuantiser.checkInputs(weight, inputs);
    Tensor activation = inputs.abs().mean(0);
    Result best = null;
    for (int i = 0; i < gridPoints; i++) {
      double alpha = (double) i / gridPoints;
      Tensor scales = scales(activation, alpha);
      Tensor rounded = quantiser.roundToNearest(weight.mul(scales)).div(scales);
      double error = GroupQuantiser.outputError(weight, rounded, inputs);
      if (best == null || error < best.outputError())
        best = new Result(rounded, scales, alpha, error);
    }
    return best;
  }

  private static Tensor scales(Tensor activation, double alpha) {
    Tensor scales = activation.pow(alpha).clamp(LEAST, Double.POSITIVE_INFINITY);
    return scales.div(Math.sqrt(scales.max().item() * scales.neg().max().neg().item()));
  }
}
