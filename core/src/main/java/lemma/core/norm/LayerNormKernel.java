package lemma.core.norm;

import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import lemma.core.kernel.Lanes;

/// [LayerNorm] of one row of floats: the plain loop, then the lanes.
///
/// Three passes over `x`, one more than [RmsNormKernel]: the mean must be known before the squares
/// about it are summed. One pass over Σx and Σx² would do, but loses every digit of the variance on
/// a row whose mean is large.
public sealed interface LayerNormKernel {

  /// y[yFrom + i] = gain[i]·(x[xFrom + i] − μ)/√(σ² + ε) + bias[i] for i < dim; `y` may be `x`.
  ///
  /// @throws IndexOutOfBoundsException if a row does not fit its array
  void apply(
      float[] x,
      int xFrom,
      float[] gain,
      float[] bias,
      float epsilon,
      float[] y,
      int yFrom,
      int dim);

  /// The fastest form that this JVM can run.
  static LayerNormKernel best() {
    return Lanes.available() ? new Vectorised() : new Scalar();
  }

  private static void checkRows(
      float[] x, int xFrom, float[] gain, float[] bias, float[] y, int yFrom, int dim) {
    Objects.checkFromIndexSize(xFrom, dim, x.length);
    Objects.checkFromIndexSize(yFrom, dim, y.length);
    Objects.checkFromIndexSize(0, dim, gain.length);
    Objects.checkFromIndexSize(0, dim, bias.length);
  }

  /// A loop for the mean and one for the variance, both in double, and one for the scaling.
  record Scalar() implements LayerNormKernel {
    @Override
    public void apply(
        float[] x,
        int xFrom,
        float[] gain,
        float[] bias,
        float epsilon,
        float[] y,
        int yFrom,
        int dim) {
      checkRows(x, xFrom, gain, bias, y, yFrom, dim);
      double sum = 0;
      for (int i = 0; i < dim; i++) sum += x[xFrom + i];
      double mean = sum / dim;
      double squares = 0;
      for (int i = 0; i < dim; i++) squares += (x[xFrom + i] - mean) * (x[xFrom + i] - mean);
      double scale = 1 / Math.sqrt(squares / dim + epsilon);
      for (int i = 0; i < dim; i++)
        y[yFrom + i] = (float) ((x[xFrom + i] - mean) * scale) * gain[i] + bias[i];
    }
  }

  /// Four running sums hide the latency of the additions. The mean is summed about the row's first
  /// element, and the squares about the mean as a float: both stay small where the mean is large.
  record Vectorised() implements LayerNormKernel {
    private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;

    @Override
    public void apply(
        float[] x,
        int xFrom,
        float[] gain,
        float[] bias,
        float epsilon,
        float[] y,
        int yFrom,
        int dim) {
      checkRows(x, xFrom, gain, bias, y, yFrom, dim);
      if (dim == 0) return;
      double mean = x[xFrom] + sum(x, xFrom, dim, x[xFrom]) / dim;
      float centre = (float) mean;
      double rest = mean - centre; // what a float cannot hold of the mean
      double variance = Math.max(squares(x, xFrom, dim, centre) / dim - rest * rest, 0);
      float scale = (float) (1 / Math.sqrt(variance + epsilon));
      float shift = (float) (-rest * scale);
      int i = 0;
      for (int bound = LANES.loopBound(dim); i < bound; i += LANES.length())
        FloatVector.fromArray(LANES, x, xFrom + i)
            .sub(centre)
            .mul(scale)
            .add(shift)
            .fma(FloatVector.fromArray(LANES, gain, i), FloatVector.fromArray(LANES, bias, i))
            .intoArray(y, yFrom + i);
      for (; i < dim; i++)
        y[yFrom + i] = ((x[xFrom + i] - centre) * scale + shift) * gain[i] + bias[i];
    }

    private static double sum(float[] x, int from, int dim, float pivot) {
      int step = LANES.length();
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      var sum2 = FloatVector.zero(LANES);
      var sum3 = FloatVector.zero(LANES);
      int i = 0;
      for (; i <= dim - 4 * step; i += 4 * step) {
        sum0 = sum0.add(FloatVector.fromArray(LANES, x, from + i).sub(pivot));
        sum1 = sum1.add(FloatVector.fromArray(LANES, x, from + i + step).sub(pivot));
        sum2 = sum2.add(FloatVector.fromArray(LANES, x, from + i + 2 * step).sub(pivot));
        sum3 = sum3.add(FloatVector.fromArray(LANES, x, from + i + 3 * step).sub(pivot));
      }
      double sum = sum0.add(sum1).add(sum2.add(sum3)).reduceLanes(VectorOperators.ADD);
      for (; i < dim; i++) sum += x[from + i] - pivot;
      return sum;
    }

    private static double squares(float[] x, int from, int dim, float centre) {
      int step = LANES.length();
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      var sum2 = FloatVector.zero(LANES);
      var sum3 = FloatVector.zero(LANES);
      int i = 0;
      for (; i <= dim - 4 * step; i += 4 * step) {
        var x0 = FloatVector.fromArray(LANES, x, from + i).sub(centre);
        var x1 = FloatVector.fromArray(LANES, x, from + i + step).sub(centre);
        var x2 = FloatVector.fromArray(LANES, x, from + i + 2 * step).sub(centre);
        var x3 = FloatVector.fromArray(LANES, x, from + i + 3 * step).sub(centre);
        sum0 = x0.fma(x0, sum0);
        sum1 = x1.fma(x1, sum1);
        sum2 = x2.fma(x2, sum2);
        sum3 = x3.fma(x3, sum3);
      }
      double sum = sum0.add(sum1).add(sum2.add(sum3)).reduceLanes(VectorOperators.ADD);
      for (; i < dim; i++) {
        double centred = x[from + i] - centre;
        sum += centred * centred;
      }
      return sum;
    }
  }
}
