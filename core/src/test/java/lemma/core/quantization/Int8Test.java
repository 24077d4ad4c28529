package lemma.core.quantization;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("int8")
class Int8Test {

  private static Tensor normal(RandomGenerator random, int... shape) {
    return Tensor.gaussian(random, shape);
  }

  /// Mean of the squared errors.
  private static double error(Tensor got, Tensor wanted) {
    return got.sub(wanted).square().mean().item();
  }

  @Claim("half-step")
  @Test
  void error_is_half_a_step_at_most(Proof proof) {
    RandomGenerator random = random(1);
    for (int trial = 0; trial < 500; trial++) {
      Tensor x = normal(random, 4, 50).mul(Math.exp(5 * random.nextGaussian()));
      Int8 whole = Int8.absmax(x);
      Int8 affine = Int8.affine(x, Int8.Range.SIGNED);
      double rounding = 1 + 1e-12;
      proof.atMost(
          "|error| / step, absmax",
          gap(whole.dequantise().toArray(), x.toArray()) / whole.scales()[0],
          0.5 * rounding);
      proof.atMost(
          "|error| / step, zero point",
          gap(affine.dequantise().toArray(), x.toArray()) / affine.scales()[0],
          0.5 * rounding);
      Int8 rows = Int8.absmaxRows(x);
      for (int i = 0; i < 4; i++)
        proof.atMost(
            "|error| / step, rows",
            gap(rows.dequantise().select(0, i).toArray(), x.select(0, i).toArray())
                / rows.scales()[i],
            0.5 * rounding);
    }
  }

  @Claim("zero")
  @Test
  void zero_stays_zero_in_every_scheme() {
    RandomGenerator random = random(2);
    for (double shift : new double[] {-3, -0.4, 0, 0.7, 20}) {
      double[] data = normal(random, 64).add(shift).toArray();
      data[10] = 0;
      Tensor x = Tensor.of(data, 8, 8);
      assertThat(Int8.absmax(x).dequantise().get(1, 2)).isZero();
      assertThat(Int8.absmaxRows(x).dequantise().get(1, 2)).isZero();
      for (Int8.Range range : Int8.Range.values())
        assertThat(Int8.affine(x, range).dequantise().get(1, 2)).isZero();
    }
    assertThat(Int8.absmax(Tensor.zeros(3)).dequantise().toArray()).containsOnly(0);
    assertThat(Int8.affine(Tensor.zeros(3), Int8.Range.SIGNED).dequantise().toArray())
        .containsOnly(0);
  }

  @Claim("zero-point")
  @Test
  void a_zero_point_quarters_the_squared_error_of_values_on_one_side(Proof proof) {
    Tensor x = Tensor.uniform(0, 1, random(3), 10_000); // as after a ReLU
    double symmetric = error(Int8.absmax(x).dequantise(), x);
    double affine = error(Int8.affine(x, Int8.Range.UNSIGNED).dequantise(), x);
    proof.measured("squared error, absmax / zero point", symmetric / affine);
    assertThat(symmetric / affine).as("half of the levels are wasted").isBetween(3.7, 4.3);
    Tensor both = normal(random(4), 10_000);
    double ratio =
        error(Int8.absmax(both).dequantise(), both)
            / error(Int8.affine(both, Int8.Range.SIGNED).dequantise(), both);
    proof.measured("the same on symmetric values", ratio);
    assertThat(ratio).as("and nothing is won there").isBetween(0.7, 1.5);
  }

  @Claim("per-channel")
  @Test
  void a_scale_for_each_row_is_better_where_rows_differ_in_size(Proof proof) {
    RandomGenerator random = random(5);
    double[] rows = new double[64 * 128];
    for (int i = 0; i < 64; i++) {
      double size = Math.exp(1.5 * random.nextGaussian());
      for (int j = 0; j < 128; j++) rows[i * 128 + j] = size * random.nextGaussian();
    }
    Tensor w = Tensor.of(rows, 64, 128);
    double whole = error(Int8.absmax(w).dequantise(), w);
    double perRow = error(Int8.absmaxRows(w).dequantise(), w);
    proof.atLeast("squared error, one scale / one for each row", whole / perRow, 5);
  }

  /// Activations as in large transformers: all tokens have their outliers in the same columns.
  private static Tensor withOutliers(int tokens, int columns, RandomGenerator random) {
    double[] x = gaussian(tokens * columns, random);
    for (int t = 0; t < tokens; t++)
      for (int j : new int[] {3, columns / 2}) x[t * columns + j] *= 40;
    return Tensor.of(x, tokens, columns);
  }

  @Claim("outliers")
  @Test
  void keeping_outlier_columns_apart_beats_plain_absmax(Proof proof) {
    RandomGenerator random = random(6);
    Tensor weight = normal(random, 32, 256).mul(0.05);
    for (int trial = 0; trial < 10; trial++) {
      Tensor x = withOutliers(16, 256, random);
      Tensor exact = x.matmulTransposed(weight);
      LlmInt8 split = LlmInt8.of(weight, LlmInt8.THRESHOLD);
      LlmInt8 plain = LlmInt8.of(weight, Double.MAX_VALUE);
      assertThat(split.outlierColumns(x)).containsExactly(3, 128);
      assertThat(plain.outlierColumns(x)).isEmpty();
      double withDecomposition = error(split.apply(x), exact);
      double without = error(plain.apply(x), exact);
      proof.measured(
          "relative error with decomposition",
          Math.sqrt(withDecomposition / exact.square().mean().item()));
      proof.measured("relative error without", Math.sqrt(without / exact.square().mean().item()));
      proof.atLeast("squared error, without / with", without / withDecomposition, 5);
    }
  }

  @Claim("integers")
  @Test
  void product_of_integers_is_that_of_what_they_stand_for(Proof proof) {
    RandomGenerator random = random(7);
    Tensor weight = normal(random, 9, 40);
    Tensor x = withOutliers(5, 40, random);
    LlmInt8 layer = LlmInt8.of(weight, LlmInt8.THRESHOLD);
    double[] decoded = layer.quantiseInput(x).dequantise().toArray();
    for (int j : layer.outlierColumns(x))
      for (int t = 0; t < 5; t++) decoded[t * 40 + j] = x.get(t, j);
    Tensor wanted = Tensor.of(decoded, 5, 40).matmulTransposed(layer.weight().dequantise());
    proof.atMost("max |Δ|", gap(layer.apply(x).toArray(), wanted.toArray()), 1e-12);
  }

  @Claim("parity")
  @GoldenCases("core/int8-quant")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    Tensor x = golden.tensor("x");
    switch (golden.text("kind")) {
      case "absmax" -> {
        Int8 q = Int8.absmax(x);
        golden.expect("scale", q.scales()[0], proof);
        expectValues(golden, q, proof);
      }
      case "rowwise" -> {
        Int8 q = Int8.absmaxRows(x);
        golden.expect("row_absmax", absmax(q), proof);
        expectValues(golden, q, proof);
      }
      case "affine" -> {
        Int8.Range range =
            switch (golden.text("type")) {
              case "qint8" -> Int8.Range.SIGNED;
              case "quint8" -> Int8.Range.UNSIGNED;
              default -> throw new IllegalArgumentException(golden.text("type"));
            };
        Int8 q = Int8.affine(x, range);
        golden.expect("scale", q.scales()[0], proof);
        golden.expect("zero_point", q.zeroPoints());
        expectValues(golden, q, proof);
      }
      case "llm-int8" -> {
        Tensor weight = golden.tensor("W");
        LlmInt8 layer = LlmInt8.of(weight, golden.number("threshold"));
        golden.expect("outlier_columns", layer.outlierColumns(x));
        golden.expect("xq", layer.quantiseInput(x).values());
        golden.expect("row_absmax_x", absmax(layer.quantiseInput(x)), proof);
        golden.expect("wq", layer.weight().values());
        golden.expect("row_absmax_w", absmax(layer.weight()), proof);
        golden.expect("y", layer.apply(x), proof);
        golden.expect("y_full_precision", x.matmulTransposed(weight), proof);
      }
      default -> throw new IllegalArgumentException(golden.text("kind"));
    }
  }

  private static void expectValues(GoldenCase golden, Int8 q, Proof proof) {
    golden.expect("q", q.values());
    golden.expect("dequant", q.dequantise(), proof);
  }

  private static double[] absmax(Int8 q) {
    return Arrays.stream(q.scales()).map(scale -> 127 * scale).toArray();
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> Int8.absmax(Tensor.vector(1, Double.NaN)), "x", "finite", "NaN");
    Refusal.of(
        () -> Int8.affine(Tensor.vector(Double.POSITIVE_INFINITY), Int8.Range.SIGNED), "Infinity");
    Refusal.of(() -> Int8.absmaxRows(Tensor.ones(3)), "x", "[rows, columns]", "[3]");
    Refusal.of(
        () -> new Int8(new int[] {3}, new int[3], new double[2], new int[2]), "3 values", "2");
    Refusal.of(
        () -> new Int8(new int[] {4}, new int[3], new double[1], new int[1]), "3 values", "[4]");
    LlmInt8 layer = LlmInt8.of(Tensor.ones(2, 3), 6);
    Refusal.of(() -> layer.apply(Tensor.ones(2, 4)), "x", "3", "[2, 4]");
    Refusal.of(() -> LlmInt8.of(Tensor.ones(2, 3), 0), "threshold", "0");
    Refusal.of(() -> new LlmInt8(Int8.absmax(Tensor.ones(2, 3)), 6), "weight", "each row");
  }
}
