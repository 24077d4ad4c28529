package lemma.diffusion.scheduler;

import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;

/// The sampling loop: ask the network, take a step, until the run is done.
public record Sampler(Scheduler scheduler, int steps) {

  /// Is told of every state, in order; for progress bars and trajectories.
  @FunctionalInterface
  public interface Observer {
    /// @param step from 0
    /// @param timestep at which the network was asked
    /// @param x the state after the step
    void accept(int step, double timestep, Tensor x);

    static Observer none() {
      return (step, timestep, x) -> {};
    }
  }

  /// Draws noise of the given shape and walks it to an image.
  ///
  /// @throws IllegalArgumentException if the network's output is not finite or does not fit
  public Tensor sample(Denoiser model, int[] shape, RandomGenerator random) {
    double scale = scheduler.start(steps).initialNoiseScale();
    NoiseSource noise = NoiseSource.gaussian(random);
    return run(model, noise.draw(shape).mul(scale), noise, Observer.none());
  }

  /// Walks a given first state.
  public Tensor run(Denoiser model, Tensor start, NoiseSource noise, Observer observer) {
    Scheduler.Run run = scheduler.start(steps);
    Tensor x = start;
    for (int step = 0; !run.done(); step++) {
      double timestep = run.timestep();
      x = run.step(model.predict(run.modelInput(x), timestep), x, noise);
      observer.accept(step, timestep, x);
    }
    return x;
  }
}
