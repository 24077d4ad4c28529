package lemma.core.training;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;

/// Hides a part of the weights from one micro-batch, so that none can rely on all others: dropout on
/// weights, called DropConnect.
///
/// ```
/// w̃ = w · b / (1 − p)        b = 0 with probability p, 1 otherwise;  E[w̃] = w
/// ```
///
/// It needs nothing from the model, which is given other parameters. A hidden weight gets no gradient.
///
/// Wan et al. 2013, section 3 (ICML 2013). Answer: `training/optimisation.md`.
///
/// @param probability p
/// @param drops which parameters it applies to, by name and value
public record WeightDropout(double probability, BiPredicate<String, Tensor> drops) {

  /// @throws IllegalArgumentException if `probability` is outside [0, 1)
  public WeightDropout {
    if (!(probability >= 0 && probability < 1))
      throw new IllegalArgumentException("probability must be in [0, 1), was " + probability);
  }

  /// On every matrix but the embedding table.
  public static WeightDropout matrices(double probability) {
    return new WeightDropout(
        probability, (name, value) -> value.rank() >= 2 && !name.contains("embed"));
  }

  /// The parameters with some of the weights hidden; the others keep their mean.
  public Map<String, Tensor> apply(Map<String, Tensor> parameters, RandomGenerator random) {
    if (probability == 0) return parameters;
    Map<String, Tensor> dropped = new LinkedHashMap<>();
    parameters.forEach((name, value) ->
        dropped.put(name, drops.test(name, value) ? value.mul(mask(value, random)) : value));
    return dropped;
  }

  private Tensor mask(Tensor like, RandomGenerator random) {
    double[] mask = new double[like.count()];
    for (int i = 0; i < mask.length; i++)
      mask[i] = random.nextDouble() < probability ? 0 : 1 / (1 - probability);
    return Tensor.ofShared(mask, like.shape());
  }
}
