package lemma.docs.figure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import lemma.core.position.LogNScaling;
import lemma.core.position.RopeScaling;
import lemma.core.position.TrainedAngles;
import lemma.core.tensor.Tensor;

/// Figures of running beyond the trained length.
final class ExtrapolationFigures {
  private static final int TRAINED = 4096;
  private static final int FACTOR = 8;
  private static final TrainedAngles ANGLES = new TrainedAngles(128, 10_000, TRAINED);

  private ExtrapolationFigures() {}

  private static Map<String, RopeScaling> scalings() {
    Map<String, RopeScaling> scalings = new LinkedHashMap<>();
    scalings.put("none", new RopeScaling.None());
    scalings.put("interpolation", new RopeScaling.Linear(FACTOR));
    scalings.put("NTK-aware", new RopeScaling.Ntk(FACTOR));
    scalings.put("YaRN", RopeScaling.Yarn.of(FACTOR, TRAINED));
    scalings.put("Llama 3", new RopeScaling.Llama3(FACTOR, 1, 4, TRAINED));
    return scalings;
  }

  /// Radians that each pair reaches at eight times the trained length and never met in training.
  static Figure angles() {
    return perPair(
        "Radians of the circle that a text of 32,768 tokens shows to each pair of a head of 128 and"
            + " that training on 4096 did not. Pairs up to "
            + (ANGLES.firstSlowPair() - 1)
            + " made a full turn in training and can meet nothing new. Interpolation, YaRN and"
            + " Llama 3 lie on zero.",
        "unseen radians",
        scaling -> ANGLES.unseen(scaling, FACTOR * TRAINED));
  }

  /// The angle between neighbours, relative to training.
  static Figure resolution() {
    return perPair(
        "The angle between neighbouring positions, relative to training, for a factor of 8. Below 1"
            + " a pair has to tell positions apart that lie closer than any it has seen:"
            + " interpolation asks that of every pair, the others of slow ones.",
        "angle of a step / as trained",
        ANGLES::resolution);
  }

  private interface PerPair {
    double[] of(RopeScaling scaling);
  }

  private static Figure perPair(String caption, String axis, PerPair values) {
    double[] pairs = IntStream.range(0, 64).mapToDouble(i -> i).toArray();
    List<Charts.Line> lines = new ArrayList<>();
    scalings()
        .forEach((name, scaling) -> lines.add(new Charts.Line(name, pairs, values.of(scaling))));
    return new Figure.Chart(
        caption,
        Charts.lines(
            Charts.Axis.linear("pair of channels, from fast to slow"),
            Charts.Axis.linear(axis),
            lines),
        340);
  }

  /// The entropy of attention over random keys, with and without log-n scaling.
  static Figure entropy() {
    double[] keys = {128, 256, 512, 1024, 2048, 4096, 8192};
    LogNScaling logN = new LogNScaling(512);
    double sharp = Math.sqrt(Math.log(512));
    return new Figure.Chart(
        "Mean entropy of a softmax over random keys, trained at 512. A sharp head has scores of"
            + " deviation 2.5 (variance ln 512), a flat one of deviation 1. Log-n scaling holds the"
            + " entropy of the sharp head; that of the flat one still grows.",
        Charts.lines(
            Charts.Axis.log("keys"),
            Charts.Axis.linear("entropy, nats"),
            List.of(
                entropies("sharp", keys, sharp, null),
                entropies("sharp, log-n", keys, sharp, logN),
                entropies("flat", keys, 1, null),
                entropies("flat, log-n", keys, 1, logN))),
        340);
  }

  private static Charts.Line entropies(
      String name, double[] keys, double deviation, LogNScaling logN) {
    double[] entropies = new double[keys.length];
    for (int i = 0; i < keys.length; i++) {
      RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(3);
      int count = (int) keys[i];
      double scale = logN == null ? 1 : logN.scale(count);
      Tensor log =
          Tensor.gaussian(random, 40, count).mul(deviation * scale).logSoftmax(Tensor.LAST);
      entropies[i] = -log.exp().mul(log).sum().item() / 40;
    }
    return new Charts.Line(name, keys, entropies);
  }
}
