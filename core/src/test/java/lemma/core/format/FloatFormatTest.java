package lemma.core.format;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Proves("float-formats")
class FloatFormatTest {

  @Claim("nearest")
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void narrowing_gives_the_nearest_value_and_the_even_one_of_two(FloatFormat format) {
    for (int bits = 0; bits < 0x8000; bits++) { // both signs below
      double low = format.widen(bits);
      double high = format.widen(bits + 1);
      if (Double.isNaN(low) || Double.isNaN(high) || Double.isInfinite(high)) continue;
      float middle = (float) ((low + high) / 2);
      if (middle == low || middle == high) continue; // bfloat16 next to the smallest floats
      int even = bits % 2 == 0 ? bits : bits + 1;
      for (int sign = 0; sign <= 0x8000; sign += 0x8000) {
        float s = sign == 0 ? 1 : -1;
        assertThat(format.narrow(s * middle)).isEqualTo(even | sign);
        assertThat(format.narrow(s * Math.nextDown(middle))).isEqualTo(bits | sign);
        assertThat(format.narrow(s * Math.nextUp(middle))).isEqualTo(bits + 1 | sign);
      }
    }
  }

  @Claim("exact")
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void widening_and_narrowing_returns_every_pattern(FloatFormat format) {
    for (int bits = 0; bits < 0x10000; bits++) {
      float value = format.widen(bits);
      if (Float.isNaN(value)) assertThat(format.widen(format.narrow(value))).isNaN();
      else assertThat(format.narrow(value)).isEqualTo(bits);
    }
  }

  @Claim("agreement")
  @ParameterizedTest
  @EnumSource
  void bits_agree_with_the_definition(FloatFormat format) {
    RandomGenerator random = random(3);
    for (int i = 0; i < 1_000_000; i++) { // any pattern: subnormal, huge, infinite
      float x = Float.intBitsToFloat(random.nextInt());
      if (Float.isNaN(x)) assertThat(format.widen(format.narrow(x))).isNaN();
      else if (format.widen(format.narrow(x)) != format.round(x))
        assertThat(format.widen(format.narrow(x))).as("%a", x).isEqualTo((float) format.round(x));
    }
  }

  @Claim("range")
  @Test
  void range_and_precision_of_each_format(Proof proof) {
    proof.measured("largest F16", FloatFormat.F16.largest());
    proof.measured("ε of F16", FloatFormat.F16.epsilon());
    proof.measured("ε of BF16", FloatFormat.BF16.epsilon());
    assertThat(FloatFormat.F16.largest()).isEqualTo(65504);
    assertThat(FloatFormat.F16.epsilon()).isEqualTo(0x1p-10);
    assertThat(FloatFormat.F16.smallestNormal()).isEqualTo(0x1p-14);
    assertThat(FloatFormat.F16.smallest()).isEqualTo(0x1p-24);
    assertThat(FloatFormat.BF16.largest()).isEqualTo(0x1.FEp127);
    assertThat(FloatFormat.BF16.epsilon()).isEqualTo(0x1p-7);
    assertThat(FloatFormat.BF16.smallestNormal()).isEqualTo(Float.MIN_NORMAL);
    assertThat(FloatFormat.BF16.smallest()).isEqualTo(0x1p-133);
    assertThat(FloatFormat.F32.largest()).isEqualTo(Float.MAX_VALUE);
    assertThat(FloatFormat.F32.epsilon()).isEqualTo(Math.ulp(1f));
    assertThat(FloatFormat.F32.smallest()).isEqualTo(Float.MIN_VALUE);
    for (FloatFormat format : FloatFormat.values()) { // and each is what the bits can hold
      float largest = (float) format.largest();
      assertThat(format.widen(format.narrow(largest))).isEqualTo(largest);
      float smallest = (float) format.smallest();
      assertThat(format.widen(format.narrow(smallest))).isEqualTo(smallest);
      float aboveOne = (float) (1 + format.epsilon());
      assertThat(format.widen(format.narrow(aboveOne))).isEqualTo(aboveOne);
    }
    assertThat(FloatFormat.F16.round(smallestHalfOf(FloatFormat.F16))).as("tie to even").isZero();
  }

  private static double smallestHalfOf(FloatFormat format) {
    return format.smallest() / 2;
  }

  @Claim("overflow")
  @Test
  void fp16_overflows_where_bf16_and_fp32_do_not() {
    assertThat(FloatFormat.F16.round(65519)).isEqualTo(65504);
    assertThat(FloatFormat.F16.round(65520)).isInfinite();
    assertThat(FloatFormat.BF16.round(65520)).isEqualTo(65536);
    assertThat(FloatFormat.F16.round(1e-8)).isZero();
    assertThat(FloatFormat.BF16.round(1e-8)).isPositive();
    assertThat(FloatFormat.BF16.round(257)).as("and bf16 loses the last unit").isEqualTo(256);
    assertThat(FloatFormat.F16.round(257)).isEqualTo(257);
  }

  @Claim("parity")
  @GoldenCases("core/float-formats")
  void equals_the_reference_implementation(GoldenCase golden) {
    switch (golden.text("kind")) {
      case "narrow" -> {
        int[] f16 = new int[patterns(golden, "f32_bits").length];
        int[] bf16 = f16.clone();
        for (int i = 0; i < f16.length; i++) {
          float x = Float.intBitsToFloat(patterns(golden, "f32_bits")[i]);
          f16[i] = FloatFormat.F16.narrow(x);
          bf16[i] = FloatFormat.BF16.narrow(x);
        }
        if (golden.expected().has("f16_bits")) golden.expect("f16_bits", f16);
        if (golden.expected().has("bf16_bits")) golden.expect("bf16_bits", bf16);
      }
      case "nan" -> {
        for (int bits : patterns(golden, "f32_bits"))
          for (FloatFormat format : FloatFormat.values())
            assertThat(format.widen(format.narrow(Float.intBitsToFloat(bits)))).isNaN();
      }
      case "widen" -> {
        FloatFormat format = format(golden);
        int[] bits = patterns(golden, "bits");
        double[] got = new double[bits.length];
        for (int i = 0; i < bits.length; i++)
          got[i] = Float.floatToIntBits(format.widen(bits[i])) & 0xFFFFFFFFL;
        assertThat(got).isEqualTo(GoldenCase.numbers(golden.expected().get("f32_bits")));
      }
      case "widen-exhaustive" -> {
        FloatFormat format = format(golden);
        var words = ByteBuffer.allocate(4 * 0x10000).order(ByteOrder.LITTLE_ENDIAN);
        for (int bits = 0; bits < 0x10000; bits++)
          words.putInt(Float.floatToIntBits(format.widen(bits))); // any NaN as 0x7FC00000
        var crc = new CRC32();
        crc.update(words.array());
        assertThat((double) crc.getValue()).isEqualTo(golden.expected().get("crc32").asDouble());
      }
      default -> throw new IllegalArgumentException(golden.text("kind"));
    }
  }

  private static FloatFormat format(GoldenCase golden) {
    return FloatFormat.valueOf(golden.text("format").toUpperCase(java.util.Locale.ROOT));
  }

  /// Unsigned words, as JSON numbers.
  private static int[] patterns(GoldenCase golden, String input) {
    double[] words = golden.doubles(input);
    int[] bits = new int[words.length];
    for (int i = 0; i < bits.length; i++) bits[i] = (int) (long) words[i];
    return bits;
  }
}
