package lemma.core.norm;

import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import lemma.core.kernel.Lanes;

/// [RmsNorm] of one row of floats: the plain loop, then the lanes.
///
/// Reads `x` twice and `gain` once, writes `y` once; 4·dim floating-point operations, so a row that
/// fits the cache is bound by the two passes over `x`.
public sealed interface RmsNormKernel {

  /// y[yFrom + i] = gain[i] · x[xFrom + i] / √(mean(x²) + ε) for i < dim; `y` may be `x`.
  ///
  /// @throws IndexOutOfBoundsException if a row does not fit its array
  void apply(float[] x, int xFrom, float[] gain, float epsilon, float[] y, int yFrom, int dim);

  /// The fastest form that this JVM can run.
  static RmsNormKernel best() {
    return Lanes.available() ? new Vectorised() : new Scalar();
  }

  private static void checkRows(float[] x, int xFrom, float[] gain, float[] y, int yFrom, int dim) {
    Objects.checkFromIndexSize(xFrom, dim, x.length);
    Objects.checkFromIndexSize(yFrom, dim, y.length);
    Objects.checkFromIndexSize(0, dim, gain.length);
  }

  /// One loop for the sum, in double, and one for the scaling.
  record Scalar() implements RmsNormKernel {
    @Override
    public void apply(
        float[] x, int xFrom, float[] gain, float epsilon, float[] y, int yFrom, int dim) {
      checkRows(x, xFrom, gain, y, yFrom, dim);
      double squares = 0;
      for (int i = 0; i < dim; i++) squares += (double) x[xFrom + i] * x[xFrom + i];
      float scale = (float) (1 / Math.sqrt(squares / dim + epsilon));
      for (int i = 0; i < dim; i++) y[yFrom + i] = gain[i] * (x[xFrom + i] * scale);
    }
  }

  /// Four running sums hide the latency of the fused multiply-add.
  record Vectorised() implements RmsNormKernel {
    private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;

    @Override
    public void apply(
        float[] x, int xFrom, float[] gain, float epsilon, float[] y, int yFrom, int dim) {
      checkRows(x, xFrom, gain, y, yFrom, dim);
      float scale = (float) (1 / Math.sqrt(sumOfSquares(x, xFrom, dim) / dim + epsilon));
      int i = 0;
      for (int bound = LANES.loopBound(dim); i < bound; i += LANES.length())
        FloatVector.fromArray(LANES, x, xFrom + i)
            .mul(scale)
            .mul(FloatVector.fromArray(LANES, gain, i))
            .intoArray(y, yFrom + i);
      for (; i < dim; i++) y[yFrom + i] = gain[i] * (x[xFrom + i] * scale);
    }

    private static double sumOfSquares(float[] x, int from, int dim) {
      int step = LANES.length();
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      var sum2 = FloatVector.zero(LANES);
      var sum3 = FloatVector.zero(LANES);
      int i = 0;
      for (; i <= dim - 4 * step; i += 4 * step) {
        var x0 = FloatVector.fromArray(LANES, x, from + i);
        var x1 = FloatVector.fromArray(LANES, x, from + i + step);
        var x2 = FloatVector.fromArray(LANES, x, from + i + 2 * step);
        var x3 = FloatVector.fromArray(LANES, x, from + i + 3 * step);
        sum0 = x0.fma(x0, sum0);
        sum1 = x1.fma(x1, sum1);
        sum2 = x2.fma(x2, sum2);
        sum3 = x3.fma(x3, sum3);
      }
      double sum = sum0.add(sum1).add(sum2.add(sum3)).reduceLanes(VectorOperators.ADD);
      for (; i < dim; i++) sum += (double) x[from + i] * x[from + i];
      return sum;
    }
  }
}
