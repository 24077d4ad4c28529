package lemma.core.training;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import lemma.core.tensor.Gradients;
import lemma.core.tensor.Tensor;

/// The gradient of a large batch from small ones, one after another or side by side.
///
/// ```
/// L = Σᵢ sumᵢ / Σᵢ countᵢ        ∇L = Σᵢ ∇sumᵢ / Σᵢ countᵢ
/// ```
///
/// Each micro-batch has a tape of its own on a worker thread. Their gradients are added in the order
/// of the micro-batches, whichever is ready first, so the result does not depend on the number of
/// threads, to the last bit.
///
/// Answer: `training/optimisation.md`.
///
/// @param microBatches parts of one batch
/// @param threads how many are computed at once; more need more memory
public record GradientAccumulation(int microBatches, int threads) {

  /// @throws IllegalArgumentException if a component is not positive
  public GradientAccumulation {
    if (microBatches <= 0)
      throw new IllegalArgumentException("microBatches must be positive, was " + microBatches);
    if (threads <= 0)
      throw new IllegalArgumentException("threads must be positive, was " + threads);
  }

  /// The mean loss over all micro-batches and its gradient for each parameter.
  public record Result(double loss, double count, Map<String, Tensor> gradients) {}

  private record Part(double sum, double count, Map<String, Tensor> gradients) {}

  /// Computes all micro-batches.
  ///
  /// @param loss the loss of micro-batch i; called from several threads at once
  /// @throws IllegalArgumentException if all counts are zero
  public Result of(Map<String, Tensor> parameters, IntFunction<BatchLoss> loss) {
    try (ExecutorService workers = Executors.newFixedThreadPool(Math.min(threads, microBatches))) {
      List<Future<Part>> parts = new ArrayList<>();
      for (int i = 0; i < microBatches; i++) {
        int microBatch = i;
        parts.add(workers.submit(() -> part(parameters, loss.apply(microBatch))));
      }
      try {
        return mean(parts);
      } catch (RuntimeException | Error e) {
        workers.shutdownNow();
        throw e;
      }
    }
  }

  private static Part part(Map<String, Tensor> parameters, BatchLoss loss) {
    Gradients gradients = loss.sum().backward();
    Map<String, Tensor> named = new LinkedHashMap<>();
    parameters.forEach((name, parameter) -> named.put(name, gradients.of(parameter)));
    return new Part(loss.sum().item(), loss.count(), named);
  }

  private static Result mean(List<Future<Part>> parts) {
    double sum = 0;
    double count = 0;
    Map<String, Tensor> total = new LinkedHashMap<>();
    for (int i = 0; i < parts.size(); i++) {
      Part part = await(parts.set(i, null)); // not kept: its memory is free once it is added
      sum += part.sum;
      count += part.count;
      part.gradients.forEach((name, gradient) -> total.merge(name, gradient, Tensor::add));
    }
    if (count == 0)
      throw new IllegalArgumentException("no micro-batch has a term: all counts are 0");
    double scale = 1 / count;
    total.replaceAll((name, gradient) -> gradient.mul(scale));
    return new Result(sum / count, count, total);
  }

  private static Part await(Future<Part> part) {
    try {
      return part.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) throw failure;
      if (e.getCause() instanceof Error failure) throw failure;
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a micro-batch", e);
    }
  }
}
