package lemma.diffusion.scheduler;

import lemma.core.tensor.Tensor;

/// A trained network: what it predicts (see [lemma.diffusion.schedule.Prediction]) for `x` at a
/// timestep.
///
/// The timestep is a double because some solvers ask between the training steps.
@FunctionalInterface
public interface Denoiser {
  Tensor predict(Tensor x, double timestep);
}
