package lemma.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.Function;
import java.util.random.RandomGenerator;

/// Compares gradients with central finite differences of the same function.
///
/// ```
/// ∂L/∂xᵢ ≈ (L(x + h·eᵢ) − L(x − h·eᵢ)) / 2h,   L = Σ w·f(x) with random weights w
/// ```
///
/// With h = 6e-6, near the cube root of the machine's precision, the truncation error is h²·L‴/6,
/// some 1e-11·L‴, and the rounding error is about |L|·1e-16/h, some 1e-11·|L|. The functions here
/// have values and third derivatives below about a hundred, hence the tolerance of 1e-8, relative
/// to the gradient where that is larger than one. A wrong factor or place is off by far more.
///
/// Every input is used a second time, by an operation that is walked back first: a backward step
/// that overwrites what is there, instead of adding to it, is found out.
final class GradientCheck {
  private static final double STEP = 6e-6;
  private static final double TOLERANCE = 1e-8;
  private static final double SECOND_USE = 0.3;

  private GradientCheck() {}

  static void check(
      String name, Function<Tensor[], Tensor> function, RandomGenerator random, Tensor... values) {
    Tensor[] parameters = new Tensor[values.length];
    for (int i = 0; i < values.length; i++) parameters[i] = values[i].parameter();
    Tensor result = function.apply(parameters);
    Tensor weights = Tensor.gaussian(random, result.shape());
    Tensor deep = Tensor.scalar(SECOND_USE).parameter();
    for (int i = 0; i < 20; i++) deep = deep.add(0);
    Tensor loss = result.mul(weights).sum();
    for (Tensor parameter : parameters) loss = loss.add(parameter.mul(deep).sum());
    Gradients gradients = loss.backward();

    for (int i = 0; i < values.length; i++) {
      Tensor gradient = gradients.of(parameters[i]);
      assertThat(gradient.shape()).as(name).isEqualTo(values[i].shape());
      for (int k = 0; k < values[i].count(); k++) {
        double above = loss(function, weights, values, i, k, STEP);
        double below = loss(function, weights, values, i, k, -STEP);
        double expected = (above - below) / (2 * STEP) + SECOND_USE;
        double difference = Math.abs(gradient.data()[k] - expected);
        assertThat(difference / Math.max(1, Math.abs(expected)))
            .as("%s: input %d %s, element %d", name, i, values[i], k)
            .isLessThan(TOLERANCE);
      }
    }
  }

  private static double loss(
      Function<Tensor[], Tensor> function,
      Tensor weights,
      Tensor[] values,
      int i,
      int k,
      double h) {
    Tensor[] moved = values.clone();
    double[] data = values[i].toArray();
    data[k] += h;
    moved[i] = Tensor.of(data, values[i].shape());
    return function.apply(moved).mul(weights).sum().item();
  }
}
