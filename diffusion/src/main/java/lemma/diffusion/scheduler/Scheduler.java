package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// A solver of the reverse process: it turns the network's outputs into the next, less noisy state.
///
/// A scheduler is configuration alone, so one serves any number of threads; each image (or batch)
/// has a [Run] of its own, which counts the steps and holds what a solver must remember.
///
/// ```
/// Scheduler.Run run = scheduler.start(20);
/// while (!run.done()) {
///   Tensor output = model.predict(run.modelInput(x), run.timestep());
///   x = run.step(output, x, noise);
/// }
/// ```
///
/// A step is one call of the network. Solvers of higher order that ask twice for one stride have
/// more steps in a run than were asked for.
public interface Scheduler {

  /// Starts a run of `steps` strides.
  ///
  /// @throws IllegalArgumentException if `steps` is not between 1 and the number of training steps
  Run start(int steps);

  /// How often a run of `steps` strides asks the network.
  default int calls(int steps) {
    return steps;
  }

  /// One walk from noise to image; not for several threads at once.
  interface Run {

    /// Whether the last step has been taken.
    boolean done();

    /// Where the network is to be asked next.
    ///
    /// @throws IllegalStateException if the run is done
    double timestep();

    /// The state as the network expects it; solvers that count noise in σ scale it.
    default Tensor modelInput(Tensor x) {
      return x;
    }

    /// What unit noise is multiplied with to be the first state; σ-counting solvers start larger.
    default double initialNoiseScale() {
      return 1;
    }

    /// The next state.
    ///
    /// @throws IllegalArgumentException if the output is not finite, or a shape does not fit or
    ///     changed since the first step
    /// @throws IllegalStateException if the run is done
    Tensor step(Tensor modelOutput, Tensor x, NoiseSource noise);
  }
}
