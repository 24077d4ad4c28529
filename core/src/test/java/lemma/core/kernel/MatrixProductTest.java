package lemma.core.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class MatrixProductTest {

  /// Every way to the product; the kernels are called directly, so small shapes reach them too.
  enum Form {
    SCALAR,
    VECTORISED,
    ONE_THREAD,
    TWO_THREADS,
    SEVEN_THREADS,
    ALL_PROCESSORS;

    void multiply(Matrix a, Matrix b, Matrix c, boolean accumulate) {
      switch (this) {
        case SCALAR -> MatrixProduct.scalar(a, b, c, accumulate);
        case VECTORISED -> new VectorisedMatrixKernel().multiply(a, b, c, accumulate);
        case ONE_THREAD -> MatrixProduct.multiply(a, b, c, accumulate, 1);
        case TWO_THREADS -> MatrixProduct.multiply(a, b, c, accumulate, 2);
        case SEVEN_THREADS -> MatrixProduct.multiply(a, b, c, accumulate, 7);
        case ALL_PROCESSORS -> MatrixProduct.multiply(a, b, c, accumulate);
      }
    }
  }

  /// `m, n, k`: the last ones cross the blocks of rows (192) and of depth (256) and use threads.
  private static final List<int[]> LARGE_SHAPES =
      List.of(
          new int[] {193, 131, 257},
          new int[] {129, 352, 128},
          new int[] {97, 211, 530},
          new int[] {700, 70, 90},
          new int[] {33, 900, 300});

  @ParameterizedTest
  @EnumSource
  void every_form_gives_the_bits_of_one_chain_of_fused_multiply_adds(Form form) {
    forRandomProducts((a, b, c, accumulate) -> {
      double[] expected = c.data().clone();
      chain(a, b, over(expected, c), accumulate, Math::fma);
      form.multiply(a, b, c, accumulate);
      // Equal as a whole: what lies between the rows of C and around it is untouched as well.
      assertThat(c.data()).as(shapes(a, b, accumulate)).isEqualTo(expected);
    });
  }

  @ParameterizedTest
  @EnumSource
  void the_error_stays_within_k_epsilon_times_the_product_of_absolute_values(Form form) {
    forRandomProducts((a, b, c, accumulate) -> {
      double[] plain = c.data().clone();
      double[] magnitude = magnitudes(c.data());
      chain(a, b, over(plain, c), accumulate, (x, y, z) -> x * y + z);
      chain(a, b, over(magnitude, c), accumulate, (x, y, z) -> Math.abs(x) * Math.abs(y) + z);
      form.multiply(a, b, c, accumulate);
      // A sum of k products, and of the k + 1st term when accumulating, is off by (k + 1) · ε/2
      // times the sum of magnitudes at most, to first order; two such sums differ by twice
      // that at most.
      double bound = (a.columns() + 2) * Math.ulp(1.0);
      double excess = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < plain.length; i++) {
        double error = Math.abs(c.data()[i] - plain[i]);
        excess = Math.max(excess, error - bound * magnitude[i]);
      }
      assertThat(excess).as(shapes(a, b, accumulate)).isLessThanOrEqualTo(0);
    });
  }

  @ParameterizedTest
  @EnumSource
  void whatever_is_not_a_number_stays_in_its_own_row_and_column(Form form) {
    int m = 9;
    int n = 21;
    int k = 300;
    Matrix a = Matrix.of(gaussian(m * k, random()), m, k);
    Matrix b = Matrix.of(gaussian(k * n, random()), k, n);
    Matrix c = Matrix.of(new double[m * n], m, n);
    a.data()[8 * k + 299] = Double.NaN;
    b.data()[299 * n + 20] = Double.POSITIVE_INFINITY;
    form.multiply(a, b, c, false);
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        assertThat(Double.isFinite(c.data()[i * n + j])).isEqualTo(i != 8 && j != 20);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_sum_of_nothing_is_zero_or_what_was_there(Form form) {
    double[] data = {1, 2, 3, 4, 5, 6};
    Matrix a = Matrix.of(new double[0], 2, 0);
    Matrix b = Matrix.of(new double[0], 0, 3);
    form.multiply(a, b, Matrix.of(data, 2, 3), true);
    assertThat(data).containsExactly(1, 2, 3, 4, 5, 6);
    form.multiply(a, b, Matrix.of(data, 2, 3), false);
    assertThat(data).containsOnly(0);
  }

  @ParameterizedTest
  @EnumSource
  void a_stride_of_zero_repeats_a_row(Form form) {
    // A column of ones times A sums the rows of A: the gradient of a bias.
    int m = 40;
    int n = 30;
    double[] a = IntStream.range(0, m * n).mapToDouble(i -> i).toArray();
    double[] sums = new double[n];
    Matrix ones = new Matrix(new double[] {1}, 0, 1, m, 0, 0);
    form.multiply(ones, Matrix.of(a, m, n), Matrix.of(sums, 1, n), false);
    for (int j = 0; j < n; j++) {
      // Σᵢ (i·n + j), a sum of small whole numbers, is exact.
      assertThat(sums[j]).isEqualTo(n * (m * (m - 1) / 2) + m * j);
    }
  }

  @Test
  @Timeout(60)
  void tasks_of_the_common_pool_may_multiply() {
    int size = 160;
    Matrix a = Matrix.of(gaussian(size * size, random()), size, size);
    double[] expected = new double[size * size];
    MatrixProduct.multiply(a, a.transposed(), Matrix.of(expected, size, size), false, 1);
    List<double[]> products =
        IntStream.range(0, 64)
            .parallel()
            .mapToObj(task -> {
              double[] c = new double[size * size];
              MatrixProduct.multiply(a, a.transposed(), Matrix.of(c, size, size), false, 4);
              return c;
            })
            .toList();
    assertThat(products).hasSize(64).allSatisfy(c -> assertThat(c).isEqualTo(expected));
  }

  @Test
  void spelled_out_strides_mean_the_same_as_views() {
    double[] a = gaussian(6, random()); // [3, 2], read as Aᵀ [2, 3]
    double[] b = gaussian(12, random()); // [4, 3], read as Bᵀ [3, 4]
    double[] byStrides = new double[11];
    double[] byViews = new double[11];
    MatrixProduct.multiply(2, 4, 3, a, 0, 1, 2, b, 0, 1, 3, byStrides, 1, 5, false);
    MatrixProduct.multiply(
        Matrix.of(a, 3, 2).transposed(),
        Matrix.of(b, 4, 3).transposed(),
        new Matrix(byViews, 1, 2, 4, 5, 1),
        false);
    assertThat(byStrides).isEqualTo(byViews).isNotEqualTo(new double[11]);
  }

  @Test
  void shapes_that_do_not_match_are_refused() {
    Matrix a = Matrix.of(new double[6], 2, 3);
    Matrix c = Matrix.of(new double[4], 2, 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MatrixProduct.multiply(a, a, c, false))
        .withMessageContaining("A [2, 3] · B [2, 3] into C [2, 2]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MatrixProduct.multiply(a, a.transposed(), a, false))
        .withMessageContaining("A [2, 3] · B [3, 2] into C [2, 3]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MatrixProduct.scalar(a, a, c, false))
        .withMessageContaining("[m, k] · [k, n] into [m, n]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MatrixProduct.multiply(a, a.transposed(), c, false, 0))
        .withMessage("threads must be positive, was 0");
  }

  @Test
  void a_result_whose_rows_overlap_or_have_gaps_is_refused() {
    Matrix a = Matrix.of(new double[4], 2, 2);
    for (Matrix c : List.of(a.transposed(), new Matrix(new double[4], 0, 2, 2, 1, 1))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> MatrixProduct.multiply(a, a, c, false))
          .withMessageContaining("rows must be contiguous and must not overlap");
    }
  }

  @Test
  void a_view_that_leaves_its_array_is_refused() {
    double[] data = new double[12];
    assertThat(new Matrix(data, 2, 2, 5, 5, 1).rows()).isEqualTo(2); // ends with the array
    for (int[] v :
        new int[][] {
          {3, 2, 5, 5, 1},
          {0, 2, 8, 5, 1},
          {0, 3, 4, 5, 1},
          {13, 0, 0, 1, 1},
          {12, 1, 1, 1, 1},
          {0, Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE}
        }) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new Matrix(data, v[0], v[1], v[2], v[3], v[4]))
          .withMessageContaining("does not fit an array of length 12");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Matrix(data, 0, -1, 2, 2, 1))
        .withMessageContaining("[-1, 2]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Matrix(data, 0, 2, 2, -2, 1))
        .withMessageContaining("none may be negative");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Matrix.of(data, 3, 4).part(1, 1, 3, 3))
        .withMessage("part [3, 3] at (1, 1) leaves the matrix [3, 4]");
  }

  private interface Check {
    void on(Matrix a, Matrix b, Matrix c, boolean accumulate);
  }

  private interface MultiplyAdd {
    double of(double x, double y, double z);
  }

  /// Small shapes around the tile, then the large ones, in all four transpositions.
  private static void forRandomProducts(Check check) {
    RandomGenerator random = random();
    for (int i = 0; i < 120; i++) {
      int[] shape = {random.nextInt(1, 71), random.nextInt(1, 71), random.nextInt(1, 71)};
      check(shape, i, random, check);
    }
    for (int[] shape : LARGE_SHAPES) {
      for (int i = 0; i < 8; i++) {
        check(shape, i, random, check);
      }
    }
  }

  /// The bits of `variant` transpose `A`, transpose `B` and accumulate.
  private static void check(int[] shape, int variant, RandomGenerator random, Check check) {
    Matrix a = matrix(shape[0], shape[2], (variant & 1) != 0, random);
    Matrix b = matrix(shape[2], shape[1], (variant & 2) != 0, random);
    Matrix c = matrix(shape[0], shape[1], false, random);
    check.on(a, b, c, (variant & 4) != 0);
  }

  /// A view with an offset and gaps between its rows, or between its columns if transposed.
  private static Matrix matrix(int rows, int columns, boolean transposed, RandomGenerator random) {
    if (transposed) {
      return matrix(columns, rows, false, random).transposed();
    }
    int offset = random.nextInt(5);
    int stride = columns + random.nextInt(4);
    return new Matrix(
        gaussian(offset + rows * stride + 2, random), offset, rows, columns, stride, 1);
  }

  private static void chain(
      Matrix a, Matrix b, Matrix c, boolean accumulate, MultiplyAdd multiplyAdd) {
    for (int i = 0; i < c.rows(); i++) {
      for (int j = 0; j < c.columns(); j++) {
        int at = c.offset() + i * c.rowStride() + j;
        double sum = accumulate ? c.data()[at] : 0;
        for (int p = 0; p < a.columns(); p++) {
          sum = multiplyAdd.of(element(a, i, p), element(b, p, j), sum);
        }
        c.data()[at] = sum;
      }
    }
  }

  private static double element(Matrix x, int i, int j) {
    return x.data()[x.offset() + i * x.rowStride() + j * x.columnStride()];
  }

  private static Matrix over(double[] data, Matrix like) {
    return new Matrix(
        data, like.offset(), like.rows(), like.columns(), like.rowStride(), like.columnStride());
  }

  private static double[] magnitudes(double[] x) {
    return Arrays.stream(x).map(Math::abs).toArray();
  }

  private static String shapes(Matrix a, Matrix b, boolean accumulate) {
    return "[%d, %d] · [%d, %d]%s"
        .formatted(a.rows(), a.columns(), b.rows(), b.columns(), accumulate ? ", accumulated" : "");
  }

  private static double[] gaussian(int size, RandomGenerator random) {
    return DoubleStream.generate(random::nextGaussian).limit(size).toArray();
  }

  private static RandomGenerator random() {
    return RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(11);
  }
}
