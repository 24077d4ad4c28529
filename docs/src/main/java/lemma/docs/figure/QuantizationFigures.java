package lemma.docs.figure;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.format.BlockFormat;
import lemma.core.quantization.Nf4;

/// Figures of the chapter on number formats.
final class QuantizationFigures {
  private static final int WEIGHTS = 256 * 100;

  private QuantizationFigures() {}

  /// Bits for a weight against the error on normal weights, of every format of blocks.
  static Figure quantizationError() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    float[] weights = new float[WEIGHTS];
    for (int i = 0; i < WEIGHTS; i++) weights[i] = (float) random.nextGaussian();
    List<Charts.Line> clouds = new ArrayList<>();
    for (BlockFormat format : BlockFormat.values())
      clouds.add(point(format.name(), format.bitsPerWeight(), weights, decoded(format, weights)));
    Nf4 nf4 = Nf4.quantise(weights, 64);
    clouds.add(point("NF4", nf4.bitsPerWeight(), weights, nf4.dequantise()));
    Nf4 twice = nf4.doubleQuantised();
    clouds.add(point("NF4, double", twice.bitsPerWeight(), weights, twice.dequantise()));
    return new Figure.Chart(
        "What a bit buys: relative error on normal weights. Every further bit should halve it; at 4.5"
            + " bits the formats differ in how they spend them.",
        Charts.points(
            Charts.Axis.linear("bits for a weight"), Charts.Axis.log("relative error"), clouds),
        340);
  }

  private static float[] decoded(BlockFormat format, float[] weights) {
    byte[] bytes = new byte[(int) format.byteSize(weights.length)];
    float[] decoded = new float[weights.length];
    format.quantise(weights, 0, weights.length, MemorySegment.ofArray(bytes), 0);
    format.dequantise(MemorySegment.ofArray(bytes), 0, decoded, 0, weights.length);
    return decoded;
  }

  private static Charts.Line point(String name, double bits, float[] weights, float[] decoded) {
    double error = 0;
    double square = 0;
    for (int i = 0; i < weights.length; i++) {
      error += Math.pow((double) decoded[i] - weights[i], 2);
      square += Math.pow(weights[i], 2);
    }
    return new Charts.Line(name, new double[] {bits}, new double[] {Math.sqrt(error / square)});
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
