package lemma.core.quantization;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import lemma.core.format.BlockFormat;
import lemma.core.format.StoredTensor;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.junit.jupiter.api.Test;

@Proves("nf4")
class Nf4Test {
  private static final int BLOCK = 64;

  private static double meanSquare(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum / a.length;
  }

  @Claim("codebook")
  @Test
  void levels_are_quantiles_of_the_normal_distribution(Proof proof) {
    double[] levels = doubles(Nf4.codebook());
    var normal = new NormalDistribution(0, 1);
    double tail = (1 - 1.0 / 32 + 1 - 1.0 / 30) / 2; // no quantile is infinite: 0.9677083
    double largest = normal.inverseCumulativeProbability(tail);
    for (int i = 0; i <= 8; i++) // eight steps from the middle to the upper end
    proof.atMost(
          "max |Δ|",
          Math.abs(
              normal.inverseCumulativeProbability(0.5 + (tail - 0.5) * i / 8) / largest
                  - levels[7 + i]),
          2e-6); // the published values were computed in float32
    for (int i = 0; i <= 7; i++) // seven to the lower end
    proof.atMost(
          "max |Δ|",
          Math.abs(
              -normal.inverseCumulativeProbability(0.5 + (tail - 0.5) * i / 7) / largest
                  - levels[7 - i]),
          2e-6);
    assertThat(levels[0]).isEqualTo(-1);
    assertThat(levels[7]).isZero();
    assertThat(levels[15]).isEqualTo(1);
  }

  @Claim("normal-weights")
  @Test
  void error_on_normal_weights_is_lower_than_that_of_int4(Proof proof) {
    double[] w = gaussian(BLOCK * 2000, random(1));
    double[] nf4 = doubles(Nf4.quantise(floats(w), BLOCK).dequantise());
    double[] int4 = new double[w.length]; // the same scale and block: −7 … 7
    double[] signed = new double[w.length]; // −8 … 7, the sign of the scale sends the largest to −8
    for (int from = 0; from < w.length; from += BLOCK) {
      double extreme = 0;
      for (int i = from; i < from + BLOCK; i++)
        if (Math.abs(w[i]) > Math.abs(extreme)) extreme = w[i];
      for (int i = from; i < from + BLOCK; i++) {
        int4[i] = Math.rint(w[i] / extreme * 7) / 7 * extreme;
        signed[i] = Math.min(7, Math.rint(w[i] / extreme * -8)) / -8 * extreme;
      }
    }
    proof.atMost("squared error, nf4 / int4", meanSquare(nf4, w) / meanSquare(int4, w), 0.85);
    proof.atMost(
        "squared error, nf4 / int4 with a signed scale",
        meanSquare(nf4, w) / meanSquare(signed, w),
        0.98);
    proof.measured("relative error of nf4", Math.sqrt(meanSquare(nf4, w)));
    proof.measured("relative error of int4", Math.sqrt(meanSquare(int4, w)));
  }

  @Claim("uniform-weights")
  @Test
  void error_on_uniform_weights_is_higher_than_that_of_int4(Proof proof) {
    double[] w = Tensor.uniform(-1, 1, random(2), BLOCK * 500).toArray();
    double[] nf4 = doubles(Nf4.quantise(floats(w), BLOCK).dequantise());
    double[] int4 = new double[w.length];
    for (int i = 0; i < w.length; i++) int4[i] = Math.rint(w[i] * 7) / 7;
    proof.atLeast("squared error, nf4 / int4", meanSquare(nf4, w) / meanSquare(int4, w), 1.2);
  }

  @Claim("equal-bits")
  @Test
  void q4_0_is_better_at_the_same_bits_because_its_blocks_are_smaller(Proof proof) {
    double[] w = gaussian(BLOCK * 2000, random(9));
    Nf4 nf4 = Nf4.quantise(floats(w), BLOCK);
    StoredTensor q4 = StoredTensor.of("w", w, new int[] {w.length}, BlockFormat.Q4_0);
    assertThat(BlockFormat.Q4_0.bitsPerWeight()).isEqualTo(nf4.bitsPerWeight());
    double ratio = meanSquare(q4.toDoubles(), w) / meanSquare(doubles(nf4.dequantise()), w);
    proof.atMost("squared error, Q4_0 / nf4", ratio, 0.95);
  }

  @Claim("usage")
  @Test
  void levels_are_used_more_evenly_than_those_of_int4(Proof proof) {
    float[] w = floats(gaussian(BLOCK * 2000, random(3)));
    Nf4 nf4 = Nf4.quantise(w, BLOCK);
    double[] ofNf4 = new double[16];
    double[] ofInt4 = new double[15];
    for (int i = 0; i < w.length; i++) {
      ofNf4[nf4.level(i)]++;
      ofInt4[7 + (int) Math.rint(7 * w[i] / nf4.scales().get(i / BLOCK))]++;
    }
    proof.measured("bits of information in a level of int4", entropy(ofInt4));
    proof.atLeast("bits of information in a level of nf4", entropy(ofNf4), entropy(ofInt4) + 0.1);
  }

  private static double entropy(double[] counts) {
    double total = 0;
    for (double count : counts) total += count;
    double bits = 0;
    for (double count : counts)
      if (count > 0) bits -= count / total * Math.log(count / total) / Math.log(2);
    return bits;
  }

  @Claim("bits")
  @Test
  void bits_for_a_weight_with_and_without_double_quantisation(Proof proof) {
    Nf4 plain = Nf4.quantise(floats(gaussian(1 << 20, random(4))), BLOCK);
    Nf4 twice = plain.doubleQuantised();
    proof.measured("bits without", plain.bitsPerWeight());
    proof.measured("bits with", twice.bitsPerWeight());
    assertThat(plain.bitsPerWeight()).isEqualTo(4 + 32.0 / 64);
    double offset = 32.0 / (1 << 20); // the mean is one number for the whole tensor
    assertThat(twice.bitsPerWeight() - offset).isEqualTo(4 + 8.0 / 64 + 32.0 / (64 * 256));
    assertThat(twice.bitsPerWeight()).isBetween(4.126, 4.128);
  }

  /// The other kinds of the family speak of caches, optimisers and operations.
  @Claim("bits")
  @GoldenCases(value = "core/memory-arithmetic", where = "kind", in = "quantised")
  void bytes_of_a_matrix_equal_those_of_the_reference(GoldenCase golden, Proof proof) {
    Nf4 plain = Nf4.quantise(new float[(int) golden.number("weights")], BLOCK);
    golden.expect("nf4", plain.packed().length + plain.scales().bytes(), proof);
    Nf4 twice = plain.doubleQuantised();
    golden.expect(
        "nf4_double", twice.packed().length + twice.scales().bytes() - 4, proof); // no offset there
  }

  @Claim("double")
  @Test
  void double_quantisation_costs_little_accuracy(Proof proof) {
    double[] w = gaussian(BLOCK * 2000, random(5));
    Nf4 plain = Nf4.quantise(floats(w), BLOCK);
    double once = meanSquare(doubles(plain.dequantise()), w);
    double twice = meanSquare(doubles(plain.doubleQuantised().dequantise()), w);
    proof.atMost("squared error, twice / once", twice / once, 1.02);
    assertThat(plain.doubleQuantised().packed()).isEqualTo(plain.packed());
  }

  @Claim("blocks")
  @Test
  void one_outlier_spoils_its_block_and_no_other(Proof proof) {
    double[] w = gaussian(BLOCK * 16, random(6));
    w[5 * BLOCK + 3] = 1000;
    double[] small = doubles(Nf4.quantise(floats(w), BLOCK).dequantise());
    double[] whole = doubles(Nf4.quantise(floats(w), w.length).dequantise());
    double[] clean = w.clone();
    clean[5 * BLOCK + 3] = 0;
    double[] without = doubles(Nf4.quantise(floats(clean), BLOCK).dequantise());
    for (int i = 0; i < w.length; i++)
      if (i / BLOCK != 5) assertThat(small[i]).isEqualTo(without[i]);
    proof.measured("weights lost in blocks of 64", zeros(small));
    proof.measured("weights lost in one block", zeros(whole));
    assertThat(zeros(whole)).as("all but the outlier").isEqualTo(w.length - 1);
  }

  private static long zeros(double[] weights) {
    long zeros = 0;
    for (double weight : weights) if (weight == 0) zeros++;
    return zeros;
  }

  @Claim("extremes")
  @Test
  void largest_weight_of_a_block_and_zeros_are_exact() {
    RandomGenerator random = random(7);
    for (int trial = 0; trial < 200; trial++) {
      float[] w = floats(gaussian(BLOCK, random));
      w[9] = 0;
      int largest = 0;
      for (int i = 0; i < BLOCK; i++) if (Math.abs(w[i]) > Math.abs(w[largest])) largest = i;
      float[] got = Nf4.quantise(w, BLOCK).dequantise();
      assertThat(got[largest]).isEqualTo(w[largest]);
      assertThat(got[9]).isZero();
    }
    float[] zeros = Nf4.quantise(new float[100], BLOCK).doubleQuantised().dequantise();
    assertThat(zeros).containsOnly(0f);
    assertThat(Nf4.quantise(new float[0], BLOCK).doubleQuantised().dequantise()).isEmpty();
  }

  @Claim("parity")
  @GoldenCases("core/nf4")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    switch (golden.text("kind")) {
      case "codebook" -> golden.expect("nf4", Nf4.codebook(), proof);
      case "dynamic-map" -> {
        float[] map = new float[256];
        for (int level = 0; level < 256; level++) map[level] = DynamicMap.value(level);
        golden.expect("map", map, proof);
      }
      case "quantise" -> {
        Nf4 nf4 = Nf4.quantise(golden.floats("x"), golden.integer("blocksize"));
        int[] levels = new int[nf4.count()];
        for (int i = 0; i < levels.length; i++) levels[i] = nf4.level(i);
        golden.expect("indices", levels);
        golden.expect("packed", unsigned(nf4.packed()));
        golden.expect("absmax", absmax(nf4.scales()), proof);
        golden.expect("dequant", nf4.dequantise(), proof);
        if (golden.flag("double_quant")) {
          Nf4 twice = nf4.doubleQuantised();
          var scales = (BlockScales.DoubleQuantised) twice.scales();
          golden.expect("offset", scales.offset(), proof);
          golden.expect("absmax2", scales.absmax(), proof);
          golden.expect("qabsmax", unsigned(scales.levels()));
          golden.expect("absmax_dequant", absmax(scales), proof);
          golden.expect("dequant_double", twice.dequantise(), proof);
        }
      }
      default -> throw new IllegalArgumentException(golden.text("kind"));
    }
  }

  private static float[] absmax(BlockScales scales) {
    float[] absmax = new float[scales.blocks()];
    for (int b = 0; b < absmax.length; b++) absmax[b] = scales.get(b);
    return absmax;
  }

  private static int[] unsigned(byte[] bytes) {
    int[] values = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) values[i] = bytes[i] & 0xFF;
    return values;
  }

  @Claim("nearest")
  @Test
  void every_weight_takes_the_nearest_level(Proof proof) {
    float[] w = floats(gaussian(BLOCK * 20, random(8)));
    Nf4 nf4 = Nf4.quantise(w, BLOCK);
    double worst = 0;
    for (int i = 0; i < w.length; i++) {
      double scaled = w[i] / nf4.scales().get(i / BLOCK);
      double nearest = Double.MAX_VALUE;
      for (float level : Nf4.codebook()) nearest = Math.min(nearest, Math.abs(scaled - level));
      worst = Math.max(worst, Math.abs(scaled - Nf4.codebook()[nf4.level(i)]) - nearest);
    }
    proof.atMost("farther than the nearest by", worst, 1e-7); // one rounding of the quotient
    assertThat(gap(doubles(nf4.dequantise()), doubles(w))).isPositive();
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> Nf4.quantise(new float[4], 0), "blockSize", "0");
    Refusal.of(() -> Nf4.quantise(new float[] {1, Float.NaN}, 64), "weights[1]", "NaN");
    BlockScales scales = new BlockScales.Plain(new float[1]);
    Refusal.of(() -> new Nf4(4, 64, new byte[3], scales), "4 weights", "3 bytes");
    Refusal.of(() -> new Nf4(100, 64, new byte[50], scales), "100 weights", "1 scales");
    Refusal.of(() -> new Nf4(4, -1, new byte[2], scales), "blockSize", "-1");
    Refusal.of(() -> new BlockScales.DoubleQuantised(new byte[300], new float[1], 0), "300", "1");
  }
}
