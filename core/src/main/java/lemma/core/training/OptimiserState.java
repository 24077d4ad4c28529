package lemma.core.training;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import lemma.core.tensor.Tensor;

/// What an optimiser remembers: how many steps it made, and running averages by the name of the
/// average and then of the parameter, such as `first` → `model.norm.weight`.
public record OptimiserState(long step, Map<String, Map<String, Tensor>> moments) {

  /// @throws IllegalArgumentException if `step` is negative
  public OptimiserState {
    if (step < 0) throw new IllegalArgumentException("step must be 0 or more, was " + step);
    moments = Collections.unmodifiableMap(new LinkedHashMap<>(moments));
  }

  /// Zeros for each parameter.
  static Map<String, Tensor> zeros(Map<String, Tensor> parameters) {
    Map<String, Tensor> zeros = new LinkedHashMap<>();
    parameters.forEach((name, parameter) -> zeros.put(name, Tensor.zeros(parameter.shape())));
    return zeros;
  }

  /// The average of one parameter.
  Tensor moment(String moment, String parameter) {
    Map<String, Tensor> all = moments.get(moment);
    if (all == null)
      throw new IllegalArgumentException(
          "the state has no moment " + moment + ": " + moments.keySet());
    return Named.require(all, parameter, "moment " + moment);
  }
}
