package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// A run along a list of timesteps: counts the steps and refuses what does not fit.
final class TimestepRun implements Scheduler.Run {

  /// The solver's formula for step `i` of the list.
  @FunctionalInterface
  interface Step {
    Tensor apply(int i, Tensor modelOutput, Tensor x, NoiseSource noise);
  }

  private final int[] timesteps;
  private final Step formula;
  private final StepGuard guard = new StepGuard();
  private int next;

  TimestepRun(int[] timesteps, Step formula) {
    this.timesteps = timesteps;
    this.formula = formula;
  }

  @Override
  public boolean done() {
    return next == timesteps.length;
  }

  @Override
  public double timestep() {
    checkNotDone();
    return timesteps[next];
  }

  @Override
  public Tensor step(Tensor modelOutput, Tensor x, NoiseSource noise) {
    checkNotDone();
    guard.check(modelOutput, x, timesteps[next]);
    Tensor result = formula.apply(next, modelOutput, x, noise);
    next++;
    return result;
  }

  private void checkNotDone() {
    if (done())
      throw new IllegalStateException("all %d steps are taken".formatted(timesteps.length));
  }
}
