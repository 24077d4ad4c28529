package lemma.core.quantization;

/// Factors of a symmetric positive definite matrix.
final class Cholesky {
  /// A pivot that lost all but so much of its diagonal element is rounding, not a number.
  private static final double NOTHING = 1e-12;

  private Cholesky() {}

  /// The upper triangular `U` with `A = Uᵀ·U`.
  ///
  /// @throws IllegalArgumentException if the matrix is not positive definite
  static double[][] upper(double[][] a) {
    int n = a.length;
    double[][] u = new double[n][n];
    for (int i = 0; i < n; i++)
      for (int j = i; j < n; j++) {
        double sum = a[i][j];
        for (int k = 0; k < i; k++) sum -= u[k][i] * u[k][j];
        if (j > i) u[i][j] = sum / u[i][i];
        else if (sum > NOTHING * a[i][i]) u[i][i] = Math.sqrt(sum);
        else
          throw new IllegalArgumentException(
              "matrix must be positive definite, pivot %d is %s: more samples or dampening needed"
                  .formatted(i, sum));
      }
    return u;
  }

  /// A⁻¹ = U⁻¹·U⁻ᵀ.
  static double[][] inverse(double[][] a) {
    int n = a.length;
    double[][] u = upper(a);
    double[][] v = new double[n][n]; // U⁻¹, column by column from the diagonal up
    for (int j = 0; j < n; j++) {
      v[j][j] = 1 / u[j][j];
      for (int i = j - 1; i >= 0; i--) {
        double sum = 0;
        for (int k = i + 1; k <= j; k++) sum += u[i][k] * v[k][j];
        v[i][j] = -sum / u[i][i];
      }
    }
    double[][] inverse = new double[n][n];
    for (int i = 0; i < n; i++)
      for (int j = i; j < n; j++) {
        double sum = 0;
        for (int k = j; k < n; k++) sum += v[i][k] * v[j][k];
        inverse[i][j] = inverse[j][i] = sum;
      }
    return inverse;
  }
}
