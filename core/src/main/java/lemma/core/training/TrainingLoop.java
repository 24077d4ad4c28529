package lemma.core.training;

import java.util.LinkedHashMap;
import java.util.Map;
import lemma.core.tensor.Tensor;

/// Gradient, clipping, optimiser, average: one step after another.
///
/// ```
/// ∇L ← accumulation(objective)      g ← clip(∇L)
/// θ  ← optimiser(θ, g, η(step))     shadow ← average(shadow, θ)
/// ```
///
/// The step is a pure function of settings and state: a run that is saved, loaded and continued has
/// the same bits as one that went through.
///
/// @param seed of the generators that the objective gets, see [StepRandom]
public record TrainingLoop(
    Optimiser optimiser,
    LearningRateSchedule schedule,
    GradientClipping clipping,
    ExponentialMovingAverage average,
    GradientAccumulation accumulation,
    long seed) {

  /// What happened in a step.
  ///
  /// @param state after the step; its `step` is the number of this one, counted from one
  /// @param loss before the step
  /// @param gradientNorm before clipping
  public record Progress(
      TrainingState state, double loss, double gradientNorm, double learningRate) {}

  /// Is told of every step.
  @FunctionalInterface
  public interface Listener {
    /// Returns whether to go on.
    boolean stepped(Progress progress);
  }

  /// The state before the first step.
  public TrainingState begin(Map<String, Tensor> initial) {
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    Map<String, Tensor> shadow = new LinkedHashMap<>();
    initial.forEach((name, value) -> {
      parameters.put(name, value.parameter());
      shadow.put(name, value.detach());
    });
    return new TrainingState(0, parameters, optimiser.begin(parameters), shadow);
  }

  /// One step.
  ///
  /// @throws ArithmeticException if the loss or a gradient is not finite: the run has diverged
  public Progress step(TrainingState state, Objective objective) {
    long step = state.step();
    Map<String, Tensor> parameters = state.parameters();
    GradientAccumulation.Result batch =
        accumulation.of(
            parameters, i -> objective.loss(parameters, step, i, StepRandom.of(seed, step, i)));
    GradientClipping.Clipped clipped = clipping.clip(batch.gradients());
    if (!Double.isFinite(batch.loss()) || !Double.isFinite(clipped.norm()))
      throw new ArithmeticException(
          "step %d: loss %s, gradient norm %s".formatted(step + 1, batch.loss(), clipped.norm()));
    double learningRate = schedule.at(step);
    Optimiser.Update update =
        optimiser.step(parameters, clipped.gradients(), state.optimiser(), learningRate);
    Map<String, Tensor> shadow = average.update(state.average(), update.parameters(), step + 1);
    return new Progress(
        new TrainingState(step + 1, update.parameters(), update.state(), shadow),
        batch.loss(),
        clipped.norm(),
        learningRate);
  }

  /// Steps until `steps` have been made in all, or the listener stops it; returns the last state.
  public TrainingState run(
      TrainingState state, long steps, Objective objective, Listener listener) {
    TrainingState current = state;
    while (current.step() < steps) {
      Progress progress = step(current, objective);
      current = progress.state();
      if (!listener.stepped(progress)) break;
    }
    return current;
  }
}
