package lemma.core.tensor;

import java.util.Arrays;
import java.util.Comparator;

/// The singular value decomposition M = U·diag(s)·Vᵀ by one-sided Jacobi rotations.
///
/// | symbol | shape | |
/// |---|---|---|
/// | `M` | `[m, n]` | |
/// | `u` | `[m, k]` | orthonormal columns where s > 0, k = min(m, n) |
/// | `s` | `[k]` | falling |
/// | `v` | `[n, k]` | orthonormal columns |
///
/// Pairs of columns of M are turned until all are orthogonal to each other; their lengths are then
/// the singular values. Signs of columns of U and V are free, in pairs.
///
/// Hestenes 1958; Golub & Van Loan, Matrix Computations, section 8.6.3.
public record SingularValues(Tensor u, double[] s, Tensor v) {
  private static final int SWEEPS = 60;

  /// @throws IllegalArgumentException if `matrix` is no matrix or holds NaN or infinities
  public static SingularValues of(Tensor matrix) {
    if (matrix.rank() != 2)
      throw new IllegalArgumentException("matrix must have rank 2, was " + matrix);
    if (matrix.size(0) < matrix.size(1)) {
      SingularValues wide = of(matrix.transpose(0, 1));
      return new SingularValues(wide.v, wide.s, wide.u);
    }
    int n = matrix.size(1);
    double[][] columns = columns(matrix);
    double[][] turns = columns(Tensor.eye(n));
    for (double[] column : columns)
      for (double x : column)
        if (!Double.isFinite(x))
          throw new IllegalArgumentException("matrix must be finite, holds " + x);
    boolean turned = true;
    for (int sweep = 0; turned && sweep < SWEEPS; sweep++) {
      turned = false;
      for (int p = 0; p < n; p++)
        for (int q = p + 1; q < n; q++) turned |= orthogonalise(columns, turns, p, q);
    }
    double[] lengths = Arrays.stream(columns).mapToDouble(c -> Math.sqrt(dot(c, c))).toArray();
    Integer[] order = new Integer[n];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, Comparator.comparingDouble(i -> -lengths[i]));
    double[] s = new double[n];
    double[][] u = new double[n][];
    double[][] v = new double[n][];
    for (int k = 0; k < n; k++) {
      double length = lengths[order[k]];
      s[k] = length;
      v[k] = turns[order[k]];
      u[k] = Arrays.stream(columns[order[k]]).map(x -> length == 0 ? 0 : x / length).toArray();
    }
    return new SingularValues(fromColumns(u), s, fromColumns(v));
  }

  /// The numerical rank: how many singular values exceed `tolerance` times the largest.
  ///
  /// @throws IllegalArgumentException if `tolerance` is negative or NaN
  public int rank(double tolerance) {
    if (!(tolerance >= 0))
      throw new IllegalArgumentException("tolerance must be 0 or more, was " + tolerance);
    return (int) Arrays.stream(s).filter(value -> value > tolerance * s[0]).count();
  }

  /// Turns columns p and q so that their dot product vanishes; false if it has already.
  private static boolean orthogonalise(double[][] columns, double[][] turns, int p, int q) {
    double pp = dot(columns[p], columns[p]);
    double qq = dot(columns[q], columns[q]);
    double pq = dot(columns[p], columns[q]);
    if (Math.abs(pq) <= 1e-15 * Math.sqrt(pp * qq) || pq == 0) return false;
    double zeta = (qq - pp) / (2 * pq);
    double tan = Math.copySign(1, zeta) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
    double cos = 1 / Math.sqrt(1 + tan * tan);
    turn(columns[p], columns[q], cos, cos * tan);
    turn(turns[p], turns[q], cos, cos * tan);
    return true;
  }

  private static void turn(double[] p, double[] q, double cos, double sin) {
    for (int i = 0; i < p.length; i++) {
      double x = p[i];
      p[i] = cos * x - sin * q[i];
      q[i] = sin * x + cos * q[i];
    }
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) sum += a[i] * b[i];
    return sum;
  }

  private static double[][] columns(Tensor matrix) {
    double[][] columns = new double[matrix.size(1)][matrix.size(0)];
    for (int i = 0; i < matrix.size(0); i++)
      for (int j = 0; j < columns.length; j++) columns[j][i] = matrix.get(i, j);
    return columns;
  }

  private static Tensor fromColumns(double[][] columns) {
    return Tensor.of(columns).transpose(0, 1);
  }
}
