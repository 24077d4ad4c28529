package lemma.core.tensor;

import java.util.Arrays;

/// Operations along axes. The reduced axes stay with size 1, so that a result broadcasts back
/// against its operand.
///
/// Adjacent axes are reduced as one: the tensor is seen as `[outer, n, inner]` and `n` disappears.
/// Softmax and its relatives work on rows, the last axis; other axes are brought there first.
final class Reduction {
  private Reduction() {}

  /// A tensor seen as `[outer, n, inner]`, reduced to `[outer, 1, inner]`.
  private record Blocks(int outer, int n, int inner, int[] reduced) {
    static Blocks of(int[] shape, int axis) {
      return of(shape, axis, axis);
    }

    static Blocks of(int[] shape, int first, int last) {
      int[] reduced = shape.clone();
      Arrays.fill(reduced, first, last + 1, 1);
      return new Blocks(
          Shape.product(shape, 0, first),
          Shape.product(shape, first, last + 1),
          Shape.product(shape, last + 1, shape.length),
          reduced);
    }

    int count() {
      return outer * inner;
    }
  }

  /// `y = Σ x`, `dx = g`.
  static Tensor sum(Tensor x, int... axes) {
    boolean[] marks = Shape.marks(axes, x.shape);
    Tensor y = x;
    for (int last = marks.length - 1; last >= 0; last--) {
      if (!marks[last]) continue;
      int first = last;
      while (first > 0 && marks[first - 1]) first--;
      y = sum(y, Blocks.of(y.shape, first, last));
      last = first;
    }
    return y;
  }

  private static Tensor sum(Tensor x, Blocks blocks) {
    double[] y = new double[blocks.count()];
    int n = blocks.n;
    int inner = blocks.inner;
    for (int o = 0; o < blocks.outer; o++) {
      if (inner == 1) {
        double sum = 0;
        for (int k = o * n; k < o * n + n; k++) sum += x.data[k];
        y[o] = sum;
        continue;
      }
      for (int k = 0; k < n; k++) {
        int from = (o * n + k) * inner;
        for (int i = 0; i < inner; i++) y[o * inner + i] += x.data[from + i];
      }
    }
    return Node.unary(
        y,
        blocks.reduced,
        (g, dx) -> {
          for (int o = 0; o < blocks.outer; o++) {
            for (int k = o * n; k < o * n + n; k++) {
              if (inner == 1) dx[k] += g[o];
              else for (int i = 0; i < inner; i++) dx[k * inner + i] += g[o * inner + i];
            }
          }
        },
        x);
  }

  /// `y = Σ x / n`.
  static Tensor mean(Tensor x, int... axes) {
    Tensor sum = sum(x, axes);
    return Elementwise.div(sum, (double) x.data.length / sum.data.length);
  }

  /// `y = mean((x − mean x)²)`: biased, divided by n.
  static Tensor variance(Tensor x, int... axes) {
    return mean(Elementwise.square(Arithmetic.sub(x, mean(x, axes))), axes);
  }

  /// `y = max x`; the gradient goes to the first of the largest elements.
  static Tensor max(Tensor x, int axis) {
    Blocks blocks = Blocks.of(x.shape, Shape.axis(axis, x.shape));
    int[] winners = winners(x, blocks);
    double[] y = new double[winners.length];
    for (int i = 0; i < y.length; i++) y[i] = x.data[winners[i]];
    return Node.unary(
        y,
        blocks.reduced,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[winners[i]] += g[i];
        },
        x);
  }

  /// The place of the first largest element along the axis, for all other axes in row-major order.
  static int[] argMax(Tensor x, int axis) {
    Blocks blocks = Blocks.of(x.shape, Shape.axis(axis, x.shape));
    int[] winners = winners(x, blocks);
    for (int i = 0; i < winners.length; i++) winners[i] = winners[i] / blocks.inner % blocks.n;
    return winners;
  }

  /// Where in the data the first largest element (or the first NaN) of every group stands.
  private static int[] winners(Tensor x, Blocks blocks) {
    if (blocks.n == 0) {
      throw new IllegalArgumentException(
          "shape " + Shape.text(x.shape) + ": no largest element along an axis of size 0");
    }
    int[] winners = new int[blocks.count()];
    for (int o = 0; o < blocks.outer; o++) {
      for (int i = 0; i < blocks.inner; i++) {
        int best = o * blocks.n * blocks.inner + i;
        for (int k = 1, at = best; k < blocks.n; k++) {
          at += blocks.inner;
          double value = x.data[at];
          double largest = x.data[best];
          if (value > largest || Double.isNaN(value) && !Double.isNaN(largest)) best = at;
        }
        winners[o * blocks.inner + i] = best;
      }
    }
    return winners;
  }

  /// `y = ln Σ eˣ = m + ln Σ eˣ⁻ᵐ` with the largest element m, `dx = g·eˣ⁻ʸ`.
  static Tensor logSumExp(Tensor x, int axis) {
    int moved = Shape.axis(axis, x.shape);
    if (moved != x.rank() - 1) {
      return Layout.transpose(logSumExp(Layout.transpose(x, moved, -1), -1), moved, -1);
    }
    Blocks rows = Blocks.of(x.shape, moved);
    int n = rows.n;
    double[] p = x.data;
    double[] y = new double[rows.outer];
    for (int o = 0; o < y.length; o++) y[o] = logSumExp(p, o * n, n);
    return Node.unary(
        y,
        rows.reduced,
        (g, dx) -> {
          for (int o = 0; o < y.length; o++) {
            for (int k = o * n; k < o * n + n; k++) dx[k] += g[o] * Math.exp(p[k] - y[o]);
          }
        },
        x);
  }

  private static double logSumExp(double[] p, int from, int n) {
    double largest = largest(p, from, n);
    if (Double.isInfinite(largest)) return largest;
    double sum = 0;
    for (int k = from; k < from + n; k++) sum += Math.exp(p[k] - largest);
    return largest + Math.log(sum);
  }

  private static double largest(double[] p, int from, int n) {
    double largest = Double.NEGATIVE_INFINITY;
    for (int k = from; k < from + n; k++) largest = Math.max(largest, p[k]);
    return largest;
  }

  /// `y = eˣ⁻ᵐ / Σ eˣ⁻ᵐ`, `dx = y·(g − Σ g·y)`.
  static Tensor softmax(Tensor x, int axis) {
    int moved = Shape.axis(axis, x.shape);
    if (moved != x.rank() - 1) {
      return Layout.transpose(softmax(Layout.transpose(x, moved, -1), -1), moved, -1);
    }
    int n = x.shape[moved];
    double[] p = x.data;
    double[] y = new double[p.length];
    for (int from = 0; from < y.length; from += n) {
      double largest = largest(p, from, n);
      double sum = 0;
      for (int k = from; k < from + n; k++) sum += y[k] = Math.exp(p[k] - largest);
      for (int k = from; k < from + n; k++) y[k] /= sum;
    }
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int from = 0; from < y.length; from += n) {
            double dot = 0;
            for (int k = from; k < from + n; k++) dot += g[k] * y[k];
            for (int k = from; k < from + n; k++) dx[k] += y[k] * (g[k] - dot);
          }
        },
        x);
  }

  /// `y = x − ln Σ eˣ`, `dx = g − eʸ·Σ g`.
  static Tensor logSoftmax(Tensor x, int axis) {
    int moved = Shape.axis(axis, x.shape);
    if (moved != x.rank() - 1) {
      return Layout.transpose(logSoftmax(Layout.transpose(x, moved, -1), -1), moved, -1);
    }
    int n = x.shape[moved];
    double[] p = x.data;
    double[] y = new double[p.length];
    for (int from = 0; from < y.length; from += n) {
      double normaliser = logSumExp(p, from, n);
      for (int k = from; k < from + n; k++) y[k] = p[k] - normaliser;
    }
    return Node.unary(
        y,
        x.shape,
        (g, dx) -> {
          for (int from = 0; from < y.length; from += n) {
            double sum = 0;
            for (int k = from; k < from + n; k++) sum += g[k];
            for (int k = from; k < from + n; k++) dx[k] += g[k] - Math.exp(y[k]) * sum;
          }
        },
        x);
  }
}
