package lemma.core.training;

import java.util.LinkedHashMap;
import java.util.Map;
import lemma.core.tensor.Tensor;

/// Stochastic gradient descent with momentum, as torch has it.
///
/// ```
/// g ← g + λ·θ
/// b ← g                          at the first step
/// b ← μ·b + (1 − damping)·g      later
/// θ ← θ − η·b                    or η·(g + μ·b) with Nesterov
/// ```
///
/// The learning rate is outside of the momentum: Sutskever's form multiplies inside. They differ when
/// the rate changes.
///
/// Sutskever et al. 2013, section 2, and the documentation of torch.optim.SGD. Answer:
/// `training/optimisation.md`.
public record Sgd(double momentum, double damping, boolean nesterov, double weightDecay)
    implements Optimiser {
  private static final String MOMENTUM = "momentum";

  /// @throws IllegalArgumentException if the momentum or the damping is outside [0, 1], the decay is
  ///     negative, or Nesterov is asked for without momentum or with damping
  public Sgd {
    if (!(momentum >= 0 && momentum <= 1))
      throw new IllegalArgumentException("momentum must be in [0, 1], was " + momentum);
    if (!(damping >= 0 && damping <= 1))
      throw new IllegalArgumentException("damping must be in [0, 1], was " + damping);
    if (!(weightDecay >= 0))
      throw new IllegalArgumentException("weightDecay must be 0 or more, was " + weightDecay);
    if (nesterov && (momentum == 0 || damping != 0))
      throw new IllegalArgumentException(
          "nesterov needs momentum and no damping, were " + momentum + " and " + damping);
  }

  /// Without momentum and decay: θ ← θ − η·g.
  public static Sgd plain() {
    return new Sgd(0, 0, false, 0);
  }

  @Override
  public OptimiserState begin(Map<String, Tensor> parameters) {
    return new OptimiserState(0, Map.of(MOMENTUM, OptimiserState.zeros(parameters)));
  }

  @Override
  public Update step(
      Map<String, Tensor> parameters,
      Map<String, Tensor> gradients,
      OptimiserState state,
      double learningRate) {
    if (!Double.isFinite(learningRate))
      throw new IllegalArgumentException("learningRate must be a number, was " + learningRate);
    Map<String, Tensor> updated = new LinkedHashMap<>();
    Map<String, Tensor> buffers = new LinkedHashMap<>();
    parameters.forEach((name, theta) -> {
      Tensor value = theta.detach();
      Tensor g = Named.like(theta, gradients, name, "gradient").add(value.mul(weightDecay));
      Tensor before = state.moment(MOMENTUM, name);
      Tensor b = state.step() == 0 ? g : before.mul(momentum).add(g.mul(1 - damping));
      Tensor direction = nesterov ? g.add(b.mul(momentum)) : b;
      updated.put(name, value.sub(direction.mul(learningRate)).parameter());
      buffers.put(name, b);
    });
    return new Update(updated, new OptimiserState(state.step() + 1, Map.of(MOMENTUM, buffers)));
  }
}
