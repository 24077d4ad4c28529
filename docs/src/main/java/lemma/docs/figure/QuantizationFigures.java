package lemma.docs.figure;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.format.BlockFormat;
import lemma.core.quantization.Nf4;

/// Figures of the chapter on number formats.
final class QuantizationFigures {
  private static final int WEIGHTS = 256 * 100;
  private static final List<BlockFormat> BY_BITS =
      List.of(
          BlockFormat.Q4_0, BlockFormat.Q4_K, BlockFormat.Q4_1, BlockFormat.Q6_K, BlockFormat.Q8_0);

  private QuantizationFigures() {}

  /// The error on normal weights of every format of blocks.
  static Figure quantizationError() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    float[] weights = new float[WEIGHTS];
    for (int i = 0; i < WEIGHTS; i++) weights[i] = (float) random.nextGaussian();
    Nf4 nf4 = Nf4.quantise(weights, 64);
    Nf4 twice = nf4.doubleQuantised();
    List<String> names = new ArrayList<>(List.of(name("NF4²", twice.bitsPerWeight())));
    List<Double> errors = new ArrayList<>(List.of(percent(weights, twice.dequantise())));
    names.add(name("NF4", nf4.bitsPerWeight()));
    errors.add(percent(weights, nf4.dequantise()));
    for (BlockFormat format : BY_BITS) {
      names.add(name(format.name(), format.bitsPerWeight()));
      errors.add(percent(weights, decoded(format, weights)));
    }
    double[] bars = errors.stream().mapToDouble(Double::doubleValue).toArray();
    return new Figure.Chart(
        "What a bit buys: relative error on normal weights. The number under a format is the bits for"
            + " a weight, scales included; NF4² quantises its scales, too.",
        Charts.bars(
            "",
            names,
            Charts.Axis.linear("relative error in %"),
            List.of(new Charts.Bars("error", bars))),
        340);
  }

  private static String name(String format, double bits) {
    return String.format(Locale.ROOT, "%s\n%.4g", format, bits);
  }

  private static float[] decoded(BlockFormat format, float[] weights) {
    byte[] bytes = new byte[(int) format.byteSize(weights.length)];
    float[] decoded = new float[weights.length];
    format.quantise(weights, 0, weights.length, MemorySegment.ofArray(bytes), 0);
    format.dequantise(MemorySegment.ofArray(bytes), 0, decoded, 0, weights.length);
    return decoded;
  }

  private static double percent(float[] weights, float[] decoded) {
    double error = 0;
    double square = 0;
    for (int i = 0; i < weights.length; i++) {
      error += Math.pow((double) decoded[i] - weights[i], 2);
      square += Math.pow(weights[i], 2);
    }
    return 100 * Math.sqrt(error / square);
  }

  /// The 16 levels against those with equal steps.
  static Figure nf4Levels() {
    double[] level = new double[16];
    double[] nf4 = new double[16];
    double[] equal = new double[16];
    for (int k = 0; k < 16; k++) {
      level[k] = k;
      nf4[k] = Nf4.codebook()[k];
      equal[k] = (k - 7) / 8.0;
    }
    return new Figure.Chart(
        "The levels of NF4 lie close together around zero, where most weights are.",
        Charts.points(
            Charts.Axis.linear("level"),
            Charts.Axis.linear("weight / largest of its block"),
            List.of(
                new Charts.Line("NF4", level, nf4), new Charts.Line("equal steps", level, equal))),
        340);
  }
}
