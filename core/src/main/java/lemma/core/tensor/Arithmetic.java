package lemma.core.tensor;

/// Operations on two tensors element by element, with broadcasting.
///
/// Every forward loop exists three times, for a run in which the second operand, the first, or none
/// of them stands still: plain loops over consecutive elements.
final class Arithmetic {
  private Arithmetic() {}

  static Tensor add(Tensor a, Tensor b) {
    return addScaled(a, b, 1);
  }

  static Tensor sub(Tensor a, Tensor b) {
    return addScaled(a, b, -1);
  }

  /// `y = a + s·b`, `da = g`, `db = s·g`.
  private static Tensor addScaled(Tensor a, Tensor b, double s) {
    int[] shapeA = a.shape; // the backward step keeps no values
    int[] shapeB = b.shape;
    int[] shape = Shape.broadcast(shapeA, shapeB);
    double[] y = new double[Shape.count(shape)];
    double[] p = a.data;
    double[] q = b.data;
    Strided walk = Strided.broadcast(shapeA, shapeB, shape);
    int n = walk.run;
    walk.forEachRun((o, i, j) -> {
      if (walk.bStep == 0) {
        double still = s * q[j];
        for (int k = 0; k < n; k++) y[o + k] = p[i + k] + still;
      } else if (walk.aStep == 0) {
        double still = p[i];
        for (int k = 0; k < n; k++) y[o + k] = still + s * q[j + k];
      } else {
        for (int k = 0; k < n; k++) y[o + k] = p[i + k] + s * q[j + k];
      }
    });
    return Node.result(
        y,
        shape,
        (g, into) -> {
          addTo(into[0], shapeA, g, 1, shape);
          addTo(into[1], shapeB, g, s, shape);
        },
        a,
        b);
  }

  /// `y = a·b`, `da = g·b`, `db = g·a`.
  static Tensor mul(Tensor a, Tensor b) {
    int[] shape = Shape.broadcast(a.shape, b.shape);
    double[] y = new double[Shape.count(shape)];
    double[] p = a.data;
    double[] q = b.data;
    Strided walk = Strided.broadcast(a.shape, b.shape, shape);
    int n = walk.run;
    walk.forEachRun((o, i, j) -> {
      if (walk.bStep == 0) {
        double still = q[j];
        for (int k = 0; k < n; k++) y[o + k] = p[i + k] * still;
      } else if (walk.aStep == 0) {
        double still = p[i];
        for (int k = 0; k < n; k++) y[o + k] = still * q[j + k];
      } else {
        for (int k = 0; k < n; k++) y[o + k] = p[i + k] * q[j + k];
      }
    });
    return Node.result(
        y,
        shape,
        (g, into) -> {
          addProductTo(into[0], a.shape, g, q, b.shape, 1, shape);
          addProductTo(into[1], b.shape, g, p, a.shape, 1, shape);
        },
        a,
        b);
  }

  /// `y = a/b`, `da = g/b`, `db = −g/b·y`.
  static Tensor div(Tensor a, Tensor b) {
    int[] shapeA = a.shape;
    int[] shape = Shape.broadcast(a.shape, b.shape);
    double[] y = quotient(a.data, a.shape, b.data, b.shape, shape);
    return Node.result(
        y,
        shape,
        (g, into) -> {
          double[] ratio = quotient(g, shape, b.data, b.shape, shape);
          addTo(into[0], shapeA, ratio, 1, shape);
          addProductTo(into[1], b.shape, ratio, y, shape, -1, shape);
        },
        a,
        b);
  }

  private static double[] quotient(double[] p, int[] shapeP, double[] q, int[] shapeQ, int[] to) {
    double[] y = new double[Shape.count(to)];
    Strided walk = Strided.broadcast(shapeP, shapeQ, to);
    int n = walk.run;
    walk.forEachRun((o, i, j) -> {
      if (walk.bStep == 0) {
        double still = q[j];
        for (int k = 0; k < n; k++) y[o + k] = p[i + k] / still;
      } else if (walk.aStep == 0) {
        double still = p[i];
        for (int k = 0; k < n; k++) y[o + k] = still / q[j + k];
      } else {
        for (int k = 0; k < n; k++) y[o + k] = p[i + k] / q[j + k];
      }
    });
    return y;
  }

  /// `y = max(a, b)`; the gradient goes to the larger one, and in halves to both where they tie.
  static Tensor maximum(Tensor a, Tensor b) {
    return extreme(a, b, 1);
  }

  static Tensor minimum(Tensor a, Tensor b) {
    return extreme(a, b, -1);
  }

  private static Tensor extreme(Tensor first, Tensor second, int sign) {
    int[] shape = Shape.broadcast(first.shape, second.shape);
    Tensor a = first.broadcastTo(shape);
    Tensor b = second.broadcastTo(shape);
    double[] y = new double[a.data.length];
    if (sign > 0) for (int i = 0; i < y.length; i++) y[i] = Math.max(a.data[i], b.data[i]);
    else for (int i = 0; i < y.length; i++) y[i] = Math.min(a.data[i], b.data[i]);
    return Node.result(
        y,
        shape,
        (g, into) -> {
          for (int i = 0; i < g.length; i++) {
            double lead = sign * (a.data[i] - b.data[i]);
            double share = lead > 0 ? 1 : lead < 0 ? 0 : 0.5;
            if (into[0] != null) into[0][i] += g[i] * share;
            if (into[1] != null) into[1][i] += g[i] * (1 - share);
          }
        },
        a,
        b);
  }

  /// `y = mask ? a : b`; each gradient where its operand was taken.
  static Tensor where(Tensor mask, Tensor first, Tensor second) {
    int[] shape = Shape.broadcast(mask.shape, Shape.broadcast(first.shape, second.shape));
    double[] m = mask.detach().broadcastTo(shape).data;
    Tensor a = first.broadcastTo(shape);
    Tensor b = second.broadcastTo(shape);
    double[] y = new double[m.length];
    for (int i = 0; i < y.length; i++) y[i] = m[i] != 0 ? a.data[i] : b.data[i];
    return Node.result(
        y,
        shape,
        (g, into) -> {
          for (int i = 0; i < g.length; i++) {
            double[] taken = m[i] != 0 ? into[0] : into[1];
            if (taken != null) taken[i] += g[i];
          }
        },
        a,
        b);
  }

  /// `y = mask ? value : x`, `dx = mask ? 0 : g`.
  static Tensor maskedFill(Tensor x, Tensor mask, double value) {
    double[] m = mask.data;
    double[] y = x.data.clone();
    Strided walk = Strided.broadcast(x.shape, mask.shape, x.shape);
    walk.forEachRun((o, i, j) -> {
      for (int k = 0; k < walk.run; k++) if (m[j + k * walk.bStep] != 0) y[o + k] = value;
    });
    return Node.unary(
        y,
        x.shape,
        (g, dx) ->
            walk.forEachRun((o, i, j) -> {
              for (int k = 0; k < walk.run; k++) {
                if (m[j + k * walk.bStep] == 0) dx[o + k] += g[o + k];
              }
            }),
        x);
  }

  /// Adds `s·g` of shape `shape` to the gradient of an operand that was broadcast to it: whatever
  /// was stretched in the forward direction is summed in the backward one.
  static void addTo(double[] sink, int[] sinkShape, double[] g, double s, int[] shape) {
    if (sink == null) return;
    Strided walk = Strided.broadcast(sinkShape, shape, shape);
    int n = walk.run;
    walk.forEachRun((o, i, j) -> {
      if (walk.aStep == 0) {
        double sum = 0;
        for (int k = 0; k < n; k++) sum += g[o + k];
        sink[i] += s * sum;
      } else {
        for (int k = 0; k < n; k++) sink[i + k] += s * g[o + k];
      }
    });
  }

  /// Adds `s·g·f` likewise, where the factor `f` was broadcast, too.
  private static void addProductTo(
      double[] sink, int[] sinkShape, double[] g, double[] f, int[] fShape, double s, int[] shape) {
    if (sink == null) return;
    Strided walk = Strided.broadcast(sinkShape, fShape, shape);
    int n = walk.run;
    walk.forEachRun((o, i, j) -> {
      if (walk.aStep == 0) {
        double sum = 0;
        for (int k = 0; k < n; k++) sum += g[o + k] * f[j + k * walk.bStep];
        sink[i] += s * sum;
      } else if (walk.bStep == 0) {
        double still = s * f[j];
        for (int k = 0; k < n; k++) sink[i + k] += g[o + k] * still;
      } else {
        for (int k = 0; k < n; k++) sink[i + k] += s * g[o + k] * f[j + k];
      }
    });
  }
}
