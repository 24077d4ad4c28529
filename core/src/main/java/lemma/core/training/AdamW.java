package lemma.core.training;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiPredicate;
import lemma.core.tensor.Tensor;

/// Adam with decoupled weight decay, or with the decay inside the gradient (L2).
///
/// ```
/// θ ← θ − η·λ·θ                        decoupled: before the update, not seen by the moments
/// g ← g + λ·θ                          L2 instead: seen by the moments
/// m ← β₁·m + (1 − β₁)·g
/// v ← β₂·v + (1 − β₂)·g²
/// θ ← θ − η/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)
/// ```
///
/// | symbol | | |
/// |---|---|---|
/// | `t` | 1, 2, … | the step, counted from one |
/// | `m`, `v` | as θ | moments `first` and `second` of the state |
/// | `λ` | `weightDecay` | 0 for the parameters that `decays` rejects |
///
/// ε is added outside the root, after the bias correction, as torch does. L2 goes through the
/// division by √v, so weights with large gradients decay less; decoupled decay is the same for all.
///
/// Kingma & Ba 2015, algorithm 1, arXiv:1412.6980; Loshchilov & Hutter 2019, algorithm 2,
/// arXiv:1711.05101. Answer: `training/optimisation.md`.
///
/// @param decays which parameters decay, by name and value
public record AdamW(
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    Decay decay,
    BiPredicate<String, Tensor> decays)
    implements Optimiser {

  /// Where the decay enters.
  public enum Decay {
    /// AdamW: it shrinks the weights directly.
    DECOUPLED,
    /// Adam of torch: it is added to the gradient.
    L2
  }

  private static final String FIRST = "first";
  private static final String SECOND = "second";

  /// @throws IllegalArgumentException if a β is outside [0, 1), ε is not positive or the decay is
  ///     negative
  public AdamW {
    if (!(beta1 >= 0 && beta1 < 1))
      throw new IllegalArgumentException("beta1 must be in [0, 1), was " + beta1);
    if (!(beta2 >= 0 && beta2 < 1))
      throw new IllegalArgumentException("beta2 must be in [0, 1), was " + beta2);
    if (!(epsilon > 0))
      throw new IllegalArgumentException("epsilon must be positive, was " + epsilon);
    if (!(weightDecay >= 0))
      throw new IllegalArgumentException("weightDecay must be 0 or more, was " + weightDecay);
  }

  /// torch's defaults: β = 0.9 and 0.999, ε = 10⁻⁸, λ = 0.01 on every parameter.
  public static AdamW standard() {
    return new AdamW(0.9, 0.999, 1e-8, 0.01, Decay.DECOUPLED, (name, value) -> true);
  }

  /// The habit of language models: β₂ = 0.95, and only matrices decay, not gains or biases.
  public static AdamW languageModel(double weightDecay) {
    return new AdamW(
        0.9, 0.95, 1e-8, weightDecay, Decay.DECOUPLED, (name, value) -> value.rank() >= 2);
  }

  @Override
  public OptimiserState begin(Map<String, Tensor> parameters) {
    return new OptimiserState(
        0,
        Map.of(FIRST, OptimiserState.zeros(parameters), SECOND, OptimiserState.zeros(parameters)));
  }

  @Override
  public Update step(
      Map<String, Tensor> parameters,
      Map<String, Tensor> gradients,
      OptimiserState state,
      double learningRate) {
    if (!Double.isFinite(learningRate))
      throw new IllegalArgumentException("learningRate must be a number, was " + learningRate);
    long t = state.step() + 1;
    Map<String, Tensor> updated = new LinkedHashMap<>();
    Map<String, Tensor> first = new LinkedHashMap<>();
    Map<String, Tensor> second = new LinkedHashMap<>();
    parameters.forEach((name, parameter) -> {
      double lambda = decays.test(name, parameter) ? weightDecay : 0;
      double[] theta = parameter.toArray();
      double[] g = Named.like(parameter, gradients, name, "gradient").data();
      double[] m = state.moment(FIRST, name).toArray();
      double[] v = state.moment(SECOND, name).toArray();
      update(theta, g, m, v, learningRate, lambda, t);
      int[] shape = parameter.shape();
      updated.put(name, Tensor.ofShared(theta, shape).parameter());
      first.put(name, Tensor.ofShared(m, shape));
      second.put(name, Tensor.ofShared(v, shape));
    });
    return new Update(updated, new OptimiserState(t, Map.of(FIRST, first, SECOND, second)));
  }

  private void update(
      double[] theta,
      double[] gradient,
      double[] m,
      double[] v,
      double learningRate,
      double lambda,
      long t) {
    double stepSize = learningRate / (1 - Math.pow(beta1, t));
    double rootCorrection = Math.sqrt(1 - Math.pow(beta2, t));
    for (int i = 0; i < theta.length; i++) {
      double g = gradient[i];
      if (decay == Decay.DECOUPLED) theta[i] -= learningRate * lambda * theta[i];
      else g += lambda * theta[i];
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      theta[i] -= stepSize * m[i] / (Math.sqrt(v[i]) / rootCorrection + epsilon);
    }
  }
}
