package lemma.core.training;

import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;

/// What is trained: the loss of one micro-batch as a function of the parameters.
///
/// It is called from several threads at once and must depend on nothing but its arguments: then a
/// run is the same for any number of threads, and a resumed run goes on as if it had not stopped.
@FunctionalInterface
public interface Objective {

  /// @param parameters leaves of the tape, by name
  /// @param step how many steps have been made
  /// @param microBatch which part of the step's batch, from 0
  /// @param random a generator that belongs to this step and micro-batch: noise, dropout, choice of
  ///     examples
  BatchLoss loss(Map<String, Tensor> parameters, long step, int microBatch, RandomGenerator random);
}
