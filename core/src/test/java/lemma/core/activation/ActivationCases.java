package lemma.core.activation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.DoubleUnaryOperator;
import lemma.core.tensor.Tensor;
import lemma.proof.GoldenCase;
import lemma.proof.Proof;

/// What the proofs of all activations share.
final class ActivationCases {
  private ActivationCases() {}

  /// Holds values and derivatives of a case of `core/activations` against ours.
  static void expect(GoldenCase golden, Proof proof) {
    Activation activation = of(golden);
    Tensor x = golden.tensor("x");
    golden.expect("y", activation.apply(x), proof);
    golden.expect("dy", activation.derivative(x), proof);
  }

  private static Activation of(GoldenCase golden) {
    return switch (golden.text("activation")) {
      case "relu" -> new Activation.Relu();
      case "relu2" -> new Activation.SquaredRelu();
      case "leaky_relu" -> new Activation.LeakyRelu(golden.number("negative_slope"));
      case "elu" -> new Activation.Elu(golden.number("alpha"));
      case "selu" -> new Activation.Selu();
      case "gelu" -> new Activation.Gelu();
      case "gelu_tanh", "gelu_new" -> new Activation.GeluTanh();
      case "quick_gelu" -> Activation.Swish.QUICK_GELU;
      case "silu" -> Activation.Swish.SILU;
      case "swish" -> new Activation.Swish(golden.number("beta"));
      case "hardswish" -> new Activation.HardSwish();
      case "mish" -> new Activation.Mish();
      case "sigmoid" -> new Activation.Sigmoid();
      case "tanh" -> new Activation.Tanh();
      case "softplus" -> new Activation.Softplus();
      default -> throw new IllegalArgumentException(golden.text("activation"));
    };
  }

  static double value(Activation activation, double x) {
    return activation.apply(Tensor.scalar(x)).item();
  }

  static double slope(Activation activation, double x) {
    return activation.derivative(Tensor.scalar(x)).item();
  }

  /// The derivative against central differences at points from −6 to 6, which miss 0 by more than a
  /// step. With h = 1e-5 the differences are wrong by h²·f‴/6 and by 1e-16·|f|/h, both below 5e-10
  /// here.
  static void differentiates(Activation activation, Proof proof) {
    double h = 1e-5;
    for (double x = -6.003; x < 6; x += 0.01) {
      double difference = (value(activation, x + h) - value(activation, x - h)) / (2 * h);
      proof.atMost("|f′ − central difference|", Math.abs(slope(activation, x) - difference), 1e-9);
    }
  }

  /// Σ f(x)·φ(x)·dx over a fine grid: the expectation of f(x) for x from N(0, 1). The grid has a point
  /// at 0, where some f have a corner, so the trapezoids are off by no more than dx²/12.
  static double expectation(DoubleUnaryOperator f) {
    double step = 1e-3;
    double sum = 0;
    for (int i = -10_000; i <= 10_000; i++) {
      double x = i * step;
      sum += f.applyAsDouble(x) * Math.exp(-x * x / 2);
    }
    return sum * step / Math.sqrt(2 * Math.PI);
  }

  /// Where a function has its least value between two ends, if it falls and then rises there.
  static double argMin(DoubleUnaryOperator f, double low, double high) {
    assertThat(low).isLessThan(high);
    while (high - low > 1e-8) { // f is flat there: values differ by 1e-16 only
      double a = low + (high - low) / 3;
      double b = high - (high - low) / 3;
      if (f.applyAsDouble(a) < f.applyAsDouble(b)) high = b;
      else low = a;
    }
    return (low + high) / 2;
  }

  /// A unit f(w·x + b) with one input, trained by gradient descent on ½·(f − 1)² over x in 0.5 … 1.5,
  /// from a bias so low that it is on the left of 0 for every x. Returns w and b after the steps.
  static double[] train(Activation activation, int steps) {
    double w = 1;
    double b = -4;
    Tensor x = Tensor.vector(0.5, 0.75, 1, 1.25, 1.5);
    for (int step = 0; step < steps; step++) {
      Tensor weight = Tensor.scalar(w).parameter();
      Tensor bias = Tensor.scalar(b).parameter();
      Tensor y = activation.apply(x.mul(weight).add(bias));
      var gradients = y.sub(1).square().mean().mul(0.5).backward();
      w -= 0.5 * gradients.of(weight).item();
      b -= 0.5 * gradients.of(bias).item();
    }
    return new double[] {w, b};
  }

  /// How far that unit is from its target.
  static double loss(Activation activation, double[] unit) {
    Tensor x = Tensor.vector(0.5, 0.75, 1, 1.25, 1.5);
    return activation.apply(x.mul(unit[0]).add(unit[1])).sub(1).square().mean().mul(0.5).item();
  }
}
