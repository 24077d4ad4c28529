package lemma.core.format;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@Proves("gguf-quants")
class BlockFormatTest {

  private static byte[] encode(BlockFormat format, float[] x) {
    byte[] bytes = new byte[(int) format.byteSize(x.length)];
    format.quantise(x, 0, x.length, MemorySegment.ofArray(bytes), 0);
    return bytes;
  }

  private static float[] decode(BlockFormat format, byte[] bytes) {
    float[] x = new float[bytes.length / format.bytes() * format.blockSize()];
    format.dequantise(MemorySegment.ofArray(bytes), 0, x, 0, x.length);
    return x;
  }

  private static float[] rounded(BlockFormat format, float[] x) {
    return decode(format, encode(format, x));
  }

  /// Root of the mean squared error, relative to the root of the mean square.
  private static double relativeError(BlockFormat format, float[] x) {
    float[] got = rounded(format, x);
    double error = 0;
    double square = 0;
    for (int i = 0; i < x.length; i++) {
      error += Math.pow((double) got[i] - x[i], 2);
      square += Math.pow(x[i], 2);
    }
    return Math.sqrt(error / square);
  }

  private static float scale(byte[] bytes, int at) {
    return BlockCodec.half(MemorySegment.ofArray(bytes), at);
  }

  @Claim("half-step")
  @Test
  void q8_0_is_wrong_by_half_a_step_at_most(Proof proof) {
    RandomGenerator random = random(1);
    for (int trial = 0; trial < 2000; trial++) {
      float size = (float) Math.exp(3 * random.nextGaussian());
      float[] x = floats(gaussian(32, random));
      for (int j = 0; j < 32; j++) x[j] *= size;
      byte[] bytes = encode(BlockFormat.Q8_0, x);
      double step = scale(bytes, 0);
      if (step < 0x1p-14) continue; // a subnormal scale has fewer bits than the rest assumes
      // a float16 scale is off by 2⁻¹¹ at most, which 127 steps repeat: 0.062 of a step
      proof.atMost(
          "|error| / step",
          gap(doubles(decode(BlockFormat.Q8_0, bytes)), doubles(x)) / step,
          0.563);
    }
  }

  @Claim("extreme")
  @Test
  void q4_0_keeps_the_largest_weight_and_spoils_one_as_large_on_the_other_side(Proof proof) {
    RandomGenerator random = random(2);
    for (int trial = 0; trial < 500; trial++) {
      float[] x = floats(Tensor.uniform(-3, 3, random, 32).toArray());
      x[5] = 4; // a power of two: its eighth is exact in float16
      x[20] = -4;
      float[] got = rounded(BlockFormat.Q4_0, x);
      assertThat(got[5]).isEqualTo(4);
      assertThat(got[20]).as("level 7 of 8").isEqualTo(-3.5f);
      x[5] = -4;
      assertThat(rounded(BlockFormat.Q4_0, x)[5]).isEqualTo(-4);
      proof.measured("error at the other extreme / largest", 0.5 / 4);
    }
  }

  @Claim("bits")
  @Test
  void bits_for_a_weight_are_those_of_the_block(Proof proof) {
    proof.measured("bits of Q8_0", BlockFormat.Q8_0.bitsPerWeight());
    proof.measured("bits of Q6_K", BlockFormat.Q6_K.bitsPerWeight());
    proof.measured("bits of Q4_K", BlockFormat.Q4_K.bitsPerWeight());
    proof.measured("bits of Q4_0", BlockFormat.Q4_0.bitsPerWeight());
    assertThat(BlockFormat.Q8_0.bitsPerWeight()).isEqualTo(8.5);
    assertThat(BlockFormat.Q6_K.bitsPerWeight()).isEqualTo(6.5625);
    assertThat(BlockFormat.Q4_K.bitsPerWeight()).isEqualTo(4.5);
    assertThat(BlockFormat.Q4_0.bitsPerWeight()).isEqualTo(4.5);
    assertThat(BlockFormat.Q4_1.bitsPerWeight()).isEqualTo(5);
  }

  /// The other kinds of the family speak of caches, optimisers and operations.
  @Claim("bits")
  @GoldenCases(value = "core/memory-arithmetic", where = "kind", in = "quantised")
  void bytes_of_a_matrix_equal_those_of_the_reference(GoldenCase golden, Proof proof) {
    long weights = (long) golden.number("weights");
    for (BlockFormat format : BlockFormat.values()) {
      String name = format.name().toLowerCase(Locale.ROOT);
      if (golden.expected().has(name)) golden.expect(name, format.byteSize(weights), proof);
    }
  }

  @Claim("errors")
  @Test
  void error_on_normal_weights_falls_from_q4_0_to_q8_0(Proof proof) {
    float[] x = floats(gaussian(256 * 200, random(3)));
    double q4 = proof.measured("relative error of Q4_0", relativeError(BlockFormat.Q4_0, x));
    double q4k = proof.measured("relative error of Q4_K", relativeError(BlockFormat.Q4_K, x));
    double q6k = proof.measured("relative error of Q6_K", relativeError(BlockFormat.Q6_K, x));
    double q8 = proof.measured("relative error of Q8_0", relativeError(BlockFormat.Q8_0, x));
    assertThat(q4k).as("the same 4.5 bits, better spent").isLessThan(0.9 * q4);
    assertThat(q6k).isLessThan(0.35 * q4k);
    assertThat(q8).isLessThan(0.5 * q6k);
  }

  @Claim("offset")
  @Test
  void an_offset_halves_the_error_of_weights_on_one_side_of_zero(Proof proof) {
    float[] x = floats(gaussian(256 * 50, random(4)));
    for (int i = 0; i < x.length; i++) x[i] = 5 + x[i];
    double without = proof.measured("relative error of Q4_0", relativeError(BlockFormat.Q4_0, x));
    double with = proof.measured("relative error of Q4_1", relativeError(BlockFormat.Q4_1, x));
    proof.atLeast("error without / with", without / with, 2);
  }

  @Claim("search")
  @Test
  void a_searched_scale_is_better_than_that_of_the_extremes(Proof proof) {
    RandomGenerator random = random(5);
    double plain = 0;
    double searched = 0;
    for (int trial = 0; trial < 500; trial++) {
      float[] x = floats(gaussian(32, random));
      float least = 0;
      float most = 0;
      for (float value : x) {
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      AffineFit fit = AffineFit.search(x, 0, 32, 15);
      float step = (most - least) / 15;
      for (int j = 0; j < 32; j++) {
        plain += Math.pow(Math.rint((x[j] - least) / step) * step + least - x[j], 2);
        searched += Math.pow(fit.scale() * fit.levels()[j] - fit.minimum() - x[j], 2);
      }
    }
    proof.atMost("squared error, searched / of the extremes", searched / plain, 0.95);
  }

  @Claim("signed-scale")
  @Test
  void a_scale_of_q6_k_has_the_sign_that_sends_the_largest_weight_to_the_lowest_level() {
    RandomGenerator random = random(6);
    for (int trial = 0; trial < 300; trial++) {
      float[] x = floats(gaussian(16, random));
      ScaleFit fit = ScaleFit.search(x, 0, 16, 32);
      int extreme = 0;
      for (int j = 1; j < 16; j++) if (Math.abs(x[j]) > Math.abs(x[extreme])) extreme = j;
      assertThat(Math.signum(fit.scale())).isEqualTo(-Math.signum(x[extreme]));
      assertThat(fit.levels()[extreme])
          .as("−32, or the next when the search rounds up")
          .isBetween(0, 1);
    }
  }

  @Claim("again")
  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0"})
  void what_was_decoded_is_encoded_as_it_was(BlockFormat format) {
    RandomGenerator random = random(7);
    for (int trial = 0; trial < 500; trial++) {
      byte[] bytes = encode(format, floats(gaussian(64, random)));
      assertThat(encode(format, decode(format, bytes))).isEqualTo(bytes);
    }
  }

  @Claim("extremes")
  @ParameterizedTest
  @EnumSource
  void zeros_stay_zero_and_blocks_do_not_touch_each_other(BlockFormat format) {
    int size = format.blockSize();
    for (float zero : rounded(format, new float[2 * size])) assertThat(zero).isZero();
    RandomGenerator random = random(8);
    float[] x = floats(gaussian(3 * size, random));
    byte[] whole = encode(format, x);
    byte[] parts = new byte[whole.length + 5];
    for (int b = 2; b >= 0; b--)
      format.quantise(
          x, b * size, size, MemorySegment.ofArray(parts), 5 + (long) b * format.bytes());
    assertThat(Arrays.copyOfRange(parts, 5, parts.length)).isEqualTo(whole);
    float[] middle = new float[size + 3];
    format.dequantise(MemorySegment.ofArray(whole), format.bytes(), middle, 3, size);
    float[] all = decode(format, whole);
    for (int j = 0; j < size; j++) assertThat(middle[3 + j]).isEqualTo(all[size + j]);
  }

  @Claim("parity")
  @GoldenCases("core/ggml-quant")
  void bytes_and_values_equal_the_reference_bit_by_bit(GoldenCase golden, Proof proof) {
    BlockFormat format = BlockFormat.valueOf(golden.text("type"));
    byte[] bytes;
    if (golden.inputs().has("x")) {
      float[] x = golden.floats("x");
      bytes = encode(format, x);
      int[] got = new int[bytes.length];
      for (int i = 0; i < got.length; i++) got[i] = bytes[i] & 0xFF;
      golden.expect("bytes", got); // those of the K-quants' search, too
      proof.measured(
          "largest error, ours − theirs",
          gap(doubles(decode(format, bytes)), doubles(x))
              - golden.expected().get("max_abs_error").asDouble());
    } else {
      int[] given = golden.ints("bytes");
      bytes = new byte[given.length];
      for (int i = 0; i < given.length; i++) bytes[i] = (byte) given[i];
    }
    float[] wanted = floats(GoldenCase.numbers(golden.expected().get("decoded")));
    float[] got = decode(format, bytes);
    assertThat(got).hasSameSizeAs(wanted);
    for (int i = 0; i < got.length; i++) assertThat(got[i]).isEqualTo(wanted[i]);
  }

  /// Sums of four uniform numbers, blocks of nine sizes and runs of 32 with five means.
  private static float[] manyBlocks() {
    float[] x = new float[256 * 400];
    int state = 1;
    for (int i = 0; i < x.length; i++) {
      int sum = 0;
      for (int k = 0; k < 4; k++) {
        state = state * 1664525 + 1013904223; // a linear congruential generator
        sum += state >>> 16;
      }
      float mean = (i / 32 % 5 - 2) * 0.25f;
      x[i] = Math.scalb((sum - 131070) / 65536f + mean, i / 256 % 9 - 4);
    }
    return x;
  }

  /// CRC-32 of what `quantize_row_…_ref` of ggml-quants.c (August 2026) writes for the same numbers.
  @Claim("parity")
  @ParameterizedTest
  @CsvSource({
    "Q4_0, 4dbad8c8",
    "Q4_1, ef3ff3ac",
    "Q8_0, ae1e43cb",
    "Q4_K, dd32b0db",
    "Q6_K, f34cf71d"
  })
  void bytes_of_many_blocks_have_the_checksum_of_the_reference(BlockFormat format, String wanted) {
    var checksum = new CRC32();
    checksum.update(encode(format, manyBlocks()));
    assertThat(checksum.getValue()).isEqualTo(Long.parseLong(wanted, 16));
  }

  @Claim("stored")
  @ParameterizedTest
  @EnumSource
  void a_stored_tensor_is_decoded_when_it_is_read(BlockFormat format) {
    int size = format.blockSize();
    double[] data = gaussian(6 * size, random(9));
    StoredTensor tensor = StoredTensor.of("w", data, new int[] {3, 2 * size}, format);
    assertThat(tensor.type().blockFormat()).contains(format);
    assertThat(tensor.bytes().byteSize()).isEqualTo(tensor.type().byteSize(6 * size));
    assertThat(tensor.toFloats()).isEqualTo(rounded(format, floats(data)));
    assertThat(tensor.toDoubles()).isEqualTo(doubles(tensor.toFloats()));
  }

  @Claim("bad-input")
  @ParameterizedTest
  @EnumSource
  void bad_input_is_refused_by_name(BlockFormat format) {
    int size = format.blockSize();
    MemorySegment bytes = MemorySegment.ofArray(new byte[format.bytes()]);
    float[] x = new float[2 * size];
    Refusal.of(() -> format.quantise(x, 0, size - 1, bytes, 0), "elements", "" + (size - 1));
    Refusal.of(() -> format.dequantise(bytes, 0, x, 0, size / 2), "elements", format.name());
    Refusal.of(() -> format.byteSize(-size), "elements", "-" + size);
    assertThatThrownBy(() -> format.quantise(x, 0, 2 * size, bytes, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> format.dequantise(bytes, 1, x, 0, size))
        .isInstanceOf(IndexOutOfBoundsException.class);
    x[3] = Float.NaN;
    Refusal.of(() -> format.quantise(x, 0, size, bytes, 0), "x[3]", "NaN");
    x[3] = Float.MAX_VALUE;
    Refusal.of(() -> format.quantise(x, 0, size, bytes, 0), "x[3]", "too large");
    x[3] = 1e9f;
    Refusal.of(() -> format.quantise(x, 0, size, bytes, 0), "too large", "float16");
    Refusal.of(
        () -> StoredTensor.of("w", new double[2 * size], new int[] {size, 2}, format), "w", "2]");
    ElementType type = ElementType.valueOf(format.name());
    MemorySegment cut = MemorySegment.ofArray(new byte[format.bytes() - 1]);
    Refusal.of(() -> new StoredTensor("w", type, new long[] {size}, cut), "w", format.name());
    Refusal.of(() -> new StoredTensor("w", type, new long[0], bytes), "w", format.name());
  }

  @Claim("bad-input")
  @ParameterizedTest
  @EnumSource
  void any_bytes_are_decoded_without_harm(BlockFormat format) {
    RandomGenerator random = random(10);
    byte[] bytes = new byte[4 * format.bytes()];
    for (int trial = 0; trial < 200; trial++) {
      random.nextBytes(bytes);
      assertThat(decode(format, bytes)).hasSize(4 * format.blockSize());
    }
    MemorySegment odd = MemorySegment.ofArray(new byte[format.bytes() + 1]);
    odd.set(ValueLayout.JAVA_BYTE, 0, (byte) 7); // blocks need no alignment
    format.dequantise(odd, 1, new float[format.blockSize()], 0, format.blockSize());
  }
}
