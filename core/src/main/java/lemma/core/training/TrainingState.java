package lemma.core.training;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import lemma.core.tensor.Tensor;

/// A run between two steps: all that the next step depends on besides its settings.
///
/// Parameters are in the order of their names, whatever order they came in: a norm over all of them
/// is a sum, and a sum in another order has other bits.
///
/// @param step how many steps have been made
/// @param parameters leaves of the tape, by name
/// @param average the moving average of the parameters
public record TrainingState(
    long step,
    Map<String, Tensor> parameters,
    OptimiserState optimiser,
    Map<String, Tensor> average) {

  /// @throws IllegalArgumentException if `step` is negative
  public TrainingState {
    if (step < 0) throw new IllegalArgumentException("step must be 0 or more, was " + step);
    parameters = Collections.unmodifiableMap(new TreeMap<>(parameters));
    average = Collections.unmodifiableMap(new TreeMap<>(average));
  }
}
