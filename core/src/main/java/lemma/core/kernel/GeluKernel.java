package lemma.core.kernel;

import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/// GELU in its tanh form, in place; tanh is told by the sigmoid, which needs one exponential.
///
/// ```
/// gelu(x) = x/2 · (1 + tanh u) = x / (1 + e^(−2u))     u = √(2/π)·(x + 0.044715·x³)
/// ```
public sealed interface GeluKernel {

  /// Replaces the elements `from` to `to`, not included.
  ///
  /// @throws IndexOutOfBoundsException if the array is too short
  void apply(float[] x, int from, int to);

  /// The fastest form that this JVM can run.
  static GeluKernel best() {
    return Lanes.available() ? new Vectorised() : new Scalar();
  }

  private static void loop(float[] x, int from, int to) {
    double scale = 2 * Math.sqrt(2 / Math.PI);
    for (int i = from; i < to; i++) {
      double cubic = x[i] * (1 + 0.044715 * x[i] * x[i]);
      x[i] = (float) (x[i] / (1 + Math.exp(-scale * cubic)));
    }
  }

  /// One element after the other, in double.
  record Scalar() implements GeluKernel {
    @Override
    public void apply(float[] x, int from, int to) {
      Objects.checkFromToIndex(from, to, x.length);
      loop(x, from, to);
    }
  }

  /// As many as there are lanes.
  record Vectorised() implements GeluKernel {
    private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
    private static final float SCALE = (float) (-2 * Math.sqrt(2 / Math.PI));

    @Override
    public void apply(float[] x, int from, int to) {
      Objects.checkFromToIndex(from, to, x.length);
      int i = from;
      for (; i + LANES.length() <= to; i += LANES.length()) {
        var v = FloatVector.fromArray(LANES, x, i);
        var cubic = v.mul(v).mul(0.044715f).add(1).mul(v);
        v.div(VectorMath.exp(cubic.mul(SCALE)).add(1)).intoArray(x, i);
      }
      loop(x, i, to);
    }
  }
}
