package lemma.core.training;

import java.util.Map;
import lemma.core.tensor.Tensor;

/// Turns gradients into new parameters. Nothing is changed in place: parameters and state go in,
/// new ones come out, so a step can be repeated, saved or thrown away.
///
/// | | |
/// |---|---|
/// | [AdamW] | moments of first and second order, bias-corrected; decoupled decay or L2 |
/// | [Sgd] | plain, with momentum, Nesterov |
public sealed interface Optimiser permits AdamW, Sgd {

  /// The state before the first step: no steps, moments of zero.
  OptimiserState begin(Map<String, Tensor> parameters);

  /// One step.
  ///
  /// @param gradients a gradient for each parameter, of its name and shape
  /// @throws IllegalArgumentException if a gradient or a moment is missing or has another shape than
  ///     its parameter, or the learning rate is not a number
  Update step(
      Map<String, Tensor> parameters,
      Map<String, Tensor> gradients,
      OptimiserState state,
      double learningRate);

  /// New parameters, which are leaves of the tape again, and the state behind them.
  record Update(Map<String, Tensor> parameters, OptimiserState state) {}
}
