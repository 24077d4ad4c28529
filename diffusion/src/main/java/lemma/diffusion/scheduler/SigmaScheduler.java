package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;
import lemma.diffusion.schedule.NoiseLevel;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.schedule.SigmaPath;
import lemma.diffusion.schedule.TimestepSpacing;

/// A [SigmaSolver] as a [Scheduler]: σ for timesteps, the network's output for x̂₀.
///
/// ```
/// y = x / √ᾱ        σ = √((1 − ᾱ) / ᾱ)        √ᾱ = 1 / √(1 + σ²)
/// ```
///
/// The network sees x, the solver y. Which of the two is handed from step to step is the [State]; the
/// image is the same.
public record SigmaScheduler(
    SigmaPath path, SigmaSolver solver, State state, Prediction prediction, Clipping clipping)
    implements Scheduler {

  /// What a run hands from step to step.
  public enum State {
    /// x = √ᾱ·x₀ + √(1 − ᾱ)·ε, as DDIM does.
    VARIANCE_PRESERVING,
    /// y = x₀ + σ·ε, as k-diffusion does: the network's input is scaled.
    VARIANCE_EXPLODING
  }

  /// ε-prediction, no clipping, variance-preserving.
  public SigmaScheduler(SigmaPath path, SigmaSolver solver) {
    this(path, solver, State.VARIANCE_PRESERVING, Prediction.EPSILON, new Clipping.None());
  }

  public SigmaScheduler withState(State state) {
    return new SigmaScheduler(path, solver, state, prediction, clipping);
  }

  public SigmaScheduler withPrediction(Prediction prediction) {
    return new SigmaScheduler(path, solver, state, prediction, clipping);
  }

  public SigmaScheduler withClipping(Clipping clipping) {
    return new SigmaScheduler(path, solver, state, prediction, clipping);
  }

  @Override
  public Run start(int steps) {
    return new SigmaRun(path.levels(steps));
  }

  @Override
  public int calls(int steps) {
    return solver.calls(path.levels(steps).sigmas());
  }

  /// x̂₀ of the solver's state `y` at noise level `sigma`, clipped.
  public Tensor x0(Tensor output, Tensor y, double sigma) {
    double kept = 1 / (1 + sigma * sigma);
    return clipping.apply(prediction.x0(output, y.mul(Math.sqrt(kept)), NoiseLevel.of(kept)));
  }

  private final class SigmaRun implements Run {
    private final SigmaPath.Levels levels;
    private final SigmaSolver.Walk walk;
    private final StepGuard guard = new StepGuard();

    SigmaRun(SigmaPath.Levels levels) {
      this.levels = levels;
      walk = solver.start(levels.sigmas());
    }

    @Override
    public boolean done() {
      return walk.done();
    }

    @Override
    public double timestep() {
      checkNotDone();
      for (int i = 0; i < levels.timesteps().length; i++)
        if (levels.sigmas()[i] == walk.sigma()) return levels.timesteps()[i];
      return path.timestep(walk.sigma());
    }

    @Override
    public Tensor modelInput(Tensor x) {
      checkNotDone();
      return state == State.VARIANCE_PRESERVING ? x : x.div(growth());
    }

    /// A spacing that misses the last timestep of training starts from some image besides the noise.
    @Override
    public double initialNoiseScale() {
      if (state == State.VARIANCE_PRESERVING) return 1;
      double sigma = levels.sigmas()[0];
      return path.timesteps() instanceof TimestepSpacing.Leading
          ? Math.sqrt(1 + sigma * sigma)
          : sigma;
    }

    @Override
    public Tensor step(Tensor modelOutput, Tensor x, NoiseSource noise) {
      guard.check(modelOutput, x, timestep());
      double asked = walk.sigma();
      boolean preserving = state == State.VARIANCE_PRESERVING;
      // Churn lifts y above the level that the network was asked at; ε̂ is then scaled with the
      // higher
      // level, v̂ is not.
      Tensor next =
          walk.step(
              preserving ? x.mul(growth()) : x,
              (y, sigma) -> x0(modelOutput, y, prediction == Prediction.EPSILON ? sigma : asked),
              noise);
      return preserving ? next.div(growth()) : next;
    }

    /// 1 / √ᾱ of the current state.
    private double growth() {
      double[] sigmas = levels.sigmas();
      double sigma = walk.done() ? sigmas[sigmas.length - 1] : walk.sigma();
      return Math.sqrt(1 + sigma * sigma);
    }

    private void checkNotDone() {
      if (done())
        throw new IllegalStateException(
            "all %d strides are taken".formatted(levels.timesteps().length));
    }
  }
}
