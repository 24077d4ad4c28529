package lemma.core.tensor;

import java.util.function.DoubleUnaryOperator;

/// Operations on one tensor, element by element: `y = f(x)`, `dx = g·f′(x)`.
final class Elementwise {
  private Elementwise() {}

  private static final double TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);
  private static final double ROOT_TWO_OVER_PI = Math.sqrt(2 / Math.PI);

  /// Any function with its derivative.
  static Tensor map(Tensor x, DoubleUnaryOperator f, DoubleUnaryOperator derivative) {
    double[] p = x.data;
    return Node.unary(
        values(x, f),
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += g[i] * derivative.applyAsDouble(p[i]);
        },
        x);
  }

  private static double[] values(Tensor x, DoubleUnaryOperator f) {
    double[] y = new double[x.data.length];
    for (int i = 0; i < y.length; i++) y[i] = f.applyAsDouble(x.data[i]);
    return y;
  }

  /// `y = x + c`, `dx = g`.
  static Tensor add(Tensor x, double c) {
    double[] p = x.data;
    double[] y = new double[p.length];
    for (int i = 0; i < y.length; i++) y[i] = p[i] + c;
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += g[i];
        },
        x);
  }

  /// `y = c·x`, `dx = c·g`.
  static Tensor mul(Tensor x, double c) {
    double[] p = x.data;
    double[] y = new double[p.length];
    for (int i = 0; i < y.length; i++) y[i] = p[i] * c;
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += g[i] * c;
        },
        x);
  }

  /// `y = x/c`, `dx = g/c`.
  static Tensor div(Tensor x, double c) {
    double[] p = x.data;
    double[] y = new double[p.length];
    for (int i = 0; i < y.length; i++) y[i] = p[i] / c;
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += g[i] / c;
        },
        x);
  }

  /// `y = x²`, `dx = 2·x·g`.
  static Tensor square(Tensor x) {
    double[] p = x.data;
    double[] y = new double[p.length];
    for (int i = 0; i < y.length; i++) y[i] = p[i] * p[i];
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += 2 * p[i] * g[i];
        },
        x);
  }

  /// `y = √x`, `dx = g/(2·y)`.
  static Tensor sqrt(Tensor x) {
    double[] p = x.data;
    double[] y = new double[p.length];
    for (int i = 0; i < y.length; i++) y[i] = Math.sqrt(p[i]);
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += 0.5 * g[i] / y[i];
        },
        x);
  }

  /// `y = eˣ`, `dx = y·g`.
  static Tensor exp(Tensor x) {
    double[] y = values(x, Math::exp);
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += y[i] * g[i];
        },
        x);
  }

  /// `y = ln x`, `dx = g/x`.
  static Tensor log(Tensor x) {
    double[] p = x.data;
    return Node.unary(
        values(x, Math::log),
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += g[i] / p[i];
        },
        x);
  }

  /// `y = xᵖ`, `dx = p·xᵖ⁻¹·g`; a power of zero is constant, also at x = 0.
  static Tensor pow(Tensor x, double power) {
    return map(x, v -> Math.pow(v, power), v -> power == 0 ? 0 : power * Math.pow(v, power - 1));
  }

  /// `y = |x|`, `dx = sign(x)·g`, zero at zero.
  static Tensor abs(Tensor x) {
    return map(x, Math::abs, Math::signum);
  }

  static Tensor sin(Tensor x) {
    return map(x, Math::sin, Math::cos);
  }

  static Tensor cos(Tensor x) {
    return map(x, Math::cos, v -> -Math.sin(v));
  }

  /// `y = tanh x`, `dx = (1 − y²)·g`.
  static Tensor tanh(Tensor x) {
    double[] y = values(x, Math::tanh);
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += (1 - y[i] * y[i]) * g[i];
        },
        x);
  }

  /// `y = σ(x)`, `dx = y·(1 − y)·g`.
  static Tensor sigmoid(Tensor x) {
    double[] y = values(x, Elementwise::sigmoid);
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += y[i] * (1 - y[i]) * g[i];
        },
        x);
  }

  /// `y = x·σ(x)`, `dx = (σ + y·(1 − σ))·g`.
  static Tensor silu(Tensor x) {
    double[] sigma = values(x, Elementwise::sigmoid);
    double[] y = new double[sigma.length];
    for (int i = 0; i < y.length; i++) y[i] = x.data[i] * sigma[i];
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += (sigma[i] + y[i] * (1 - sigma[i])) * g[i];
        },
        x);
  }

  /// `y = ln(1 + eˣ)`, `dx = σ(x)·g`; the exponent is kept ≤ 0 so that nothing overflows.
  static Tensor softplus(Tensor x) {
    return map(x, v -> Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))), Elementwise::sigmoid);
  }

  /// `y = max(x, 0)`, `dx = g` where x > 0.
  static Tensor relu(Tensor x) {
    double[] p = x.data;
    double[] y = new double[p.length];
    for (int i = 0; i < y.length; i++) y[i] = Math.max(p[i], 0);
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += p[i] > 0 ? g[i] : 0;
        },
        x);
  }

  /// `y = min(max(x, low), high)`, `dx = g` where low ≤ x ≤ high.
  static Tensor clamp(Tensor x, double low, double high) {
    if (!(low <= high)) {
      throw new IllegalArgumentException("clamp: low " + low + " must not exceed high " + high);
    }
    double[] p = x.data;
    double[] y = new double[p.length];
    for (int i = 0; i < y.length; i++) y[i] = Math.min(Math.max(p[i], low), high);
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i] += p[i] >= low && p[i] <= high ? g[i] : 0;
        },
        x);
  }

  /// `y = erf x`, `dx = 2/√π·e^(−x²)·g`.
  static Tensor erf(Tensor x) {
    return map(x, Elementwise::erf, v -> TWO_OVER_ROOT_PI * Math.exp(-v * v));
  }

  /// `y = x·Φ(x)`, `dx = (Φ(x) + x·φ(x))·g` with the normal distribution Φ and its density φ.
  static Tensor gelu(Tensor x) {
    double[] p = x.data;
    double[] phi = values(x, v -> 0.5 * erfc(-v / Math.sqrt(2)));
    double[] y = new double[p.length];
    for (int i = 0; i < y.length; i++) y[i] = p[i] * phi[i];
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) {
            double density = Math.exp(-0.5 * p[i] * p[i]) / Math.sqrt(2 * Math.PI);
            dx[i] += (phi[i] + p[i] * density) * g[i];
          }
        },
        x);
  }

  /// `y = x·(1 + t)/2` with `t = tanh u`, `u = √(2/π)·(x + 0.044715·x³)`,
  /// `dx = ((1 + t)/2 + x·(1 − t²)·u′/2)·g`.
  static Tensor geluTanh(Tensor x) {
    double[] p = x.data;
    double[] t = values(x, v -> Math.tanh(ROOT_TWO_OVER_PI * (v + 0.044715 * v * v * v)));
    double[] y = new double[p.length];
    for (int i = 0; i < y.length; i++) y[i] = 0.5 * p[i] * (1 + t[i]);
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) {
            double slope = ROOT_TWO_OVER_PI * (1 + 3 * 0.044715 * p[i] * p[i]);
            dx[i] += 0.5 * (1 + t[i] + p[i] * (1 - t[i] * t[i]) * slope) * g[i];
          }
        },
        x);
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /// The error function to a few units in the last place, by the series whose terms are all
  /// positive (Abramowitz & Stegun 7.1.6); far out, one minus its complement.
  ///
  /// ```
  /// erf x = 2/√π · e^(−x²) · Σ 2ⁿ·x²ⁿ⁺¹ / (1·3·…·(2n+1))
  /// ```
  static double erf(double x) {
    if (Math.abs(x) > 2) return Math.copySign(1 - erfc(Math.abs(x)), x);
    double term = x;
    double sum = x;
    for (int n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return TWO_OVER_ROOT_PI * Math.exp(-x * x) * sum;
  }

  /// The complement 1 − erf x without cancellation for large x, by the continued fraction
  /// (Abramowitz & Stegun 7.1.14), evaluated from its tail; 70 levels give full precision from 2
  /// on.
  ///
  /// ```
  /// erfc x = e^(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …))))
  /// ```
  static double erfc(double x) {
    if (x <= 2) return 1 - erf(x);
    double tail = x;
    for (int n = 70; n > 0; n--) tail = x + 0.5 * n / tail;
    return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
  }
}
