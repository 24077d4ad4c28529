package lemma.core.tuning;

import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import lemma.core.kernel.Lanes;

/// [Lora] beside a matrix that was applied already, for one vector of floats: y += s·B·(A·x).
///
/// It reads r·(in + out) numbers where the matrix has in·out: at 4096 and r = 8 that is 1/256. B
/// comes transposed, so that both loops run along memory.
public sealed interface LoraKernel {

  /// y += scaling·B·(A·x).
  ///
  /// @param a `[rank, in]` with in = `x.length`
  /// @param bTransposed `[rank, out]` with out = `y.length`
  /// @throws IndexOutOfBoundsException if an array is too short
  void add(float[] x, float[] a, float[] bTransposed, int rank, float scaling, float[] y);

  /// The fastest form that this JVM can run.
  static LoraKernel best() {
    return Lanes.available() ? new Vectorised() : new Scalar();
  }

  private static void check(float[] x, float[] a, float[] bTransposed, int rank, float[] y) {
    Objects.checkFromIndexSize(0L, (long) rank * x.length, a.length);
    Objects.checkFromIndexSize(0L, (long) rank * y.length, bTransposed.length);
  }

  /// For each direction of A a dot product, in double, and a multiple of a row of Bᵀ.
  record Scalar() implements LoraKernel {
    @Override
    public void add(float[] x, float[] a, float[] bTransposed, int rank, float scaling, float[] y) {
      check(x, a, bTransposed, rank, y);
      for (int k = 0; k < rank; k++) {
        double dot = 0;
        for (int j = 0; j < x.length; j++) dot += (double) a[k * x.length + j] * x[j];
        float along = (float) (scaling * dot);
        for (int i = 0; i < y.length; i++) y[i] += along * bTransposed[k * y.length + i];
      }
    }
  }

  /// Four running sums for each dot product, then a fused multiply-add along y.
  record Vectorised() implements LoraKernel {
    private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;

    @Override
    public void add(float[] x, float[] a, float[] bTransposed, int rank, float scaling, float[] y) {
      check(x, a, bTransposed, rank, y);
      for (int k = 0; k < rank; k++) {
        float along = scaling * dot(x, a, k * x.length);
        addMultiple(along, bTransposed, k * y.length, y);
      }
    }

    private static float dot(float[] x, float[] a, int from) {
      int step = LANES.length();
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      var sum2 = FloatVector.zero(LANES);
      var sum3 = FloatVector.zero(LANES);
      int j = 0;
      for (; j <= x.length - 4 * step; j += 4 * step) {
        sum0 = lanes(x, j).fma(lanes(a, from + j), sum0);
        sum1 = lanes(x, j + step).fma(lanes(a, from + j + step), sum1);
        sum2 = lanes(x, j + 2 * step).fma(lanes(a, from + j + 2 * step), sum2);
        sum3 = lanes(x, j + 3 * step).fma(lanes(a, from + j + 3 * step), sum3);
      }
      float sum = sum0.add(sum1).add(sum2.add(sum3)).reduceLanes(VectorOperators.ADD);
      for (; j < x.length; j++) sum += x[j] * a[from + j];
      return sum;
    }

    private static FloatVector lanes(float[] values, int at) {
      return FloatVector.fromArray(LANES, values, at);
    }

    private static void addMultiple(float factor, float[] b, int from, float[] y) {
      int i = 0;
      for (int bound = LANES.loopBound(y.length); i < bound; i += LANES.length())
        lanes(b, from + i).fma(FloatVector.broadcast(LANES, factor), lanes(y, i)).intoArray(y, i);
      for (; i < y.length; i++) y[i] += factor * b[from + i];
    }
  }
}
