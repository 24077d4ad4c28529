package lemma.docs.figure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import lemma.sampling.draw.Draw;
import lemma.sampling.speculative.SpeculativeSampling;
import lemma.sampling.watermark.GreenList;
import lemma.sampling.watermark.Watermark;
import lemma.sampling.watermark.WatermarkDetector;

/// Figures of speculative decoding and of the watermark.
final class SearchFigures {
  private static final int VOCABULARY = 500;
  private static final int LONGEST = 200;
  private static final int TEXTS = 20;

  private SearchFigures() {}

  /// What a pass brings, by how often a guess stays.
  static Figure speculativeTokens() {
    double[] acceptance = IntStream.rangeClosed(0, 50).mapToDouble(i -> i / 50.0).toArray();
    List<Charts.Line> lines = new ArrayList<>();
    for (int guesses : new int[] {1, 2, 4, 8})
      lines.add(
          new Charts.Line(
              "γ = " + guesses,
              acceptance,
              Arrays.stream(acceptance)
                  .map(a -> SpeculativeSampling.expectedTokens(a, guesses))
                  .toArray()));
    return new Figure.Chart(
        "Tokens that one pass of the target brings. More guesses pay only if nearly all of them"
            + " stay: at a = 0.6 eight bring hardly more than four.",
        Charts.lines(
            Charts.Axis.linear("probability a that a guess stays"),
            Charts.Axis.linear("tokens a pass"),
            lines),
        360);
  }

  /// The detector's score as a text grows.
  static Figure watermarkScore() {
    double[] lengths = IntStream.rangeClosed(1, LONGEST / 10).mapToDouble(i -> 10 * i).toArray();
    List<Charts.Line> lines = new ArrayList<>();
    for (double delta : new double[] {0, 1, 2, 4})
      lines.add(new Charts.Line("δ = " + (int) delta, lengths, meanScores(delta, lengths)));
    lines.add(new Charts.Line("z = 4", new double[] {lengths[0], LONGEST}, new double[] {4, 4}));
    return new Figure.Chart(
        ("z of texts that were drawn from Gaussian logits with a quarter of %d tokens green, mean of"
                + " %d texts. It grows with the root of the length; without a mark it stays near 0.")
            .formatted(VOCABULARY, TEXTS),
        Charts.lines(Charts.Axis.linear("tokens scored"), Charts.Axis.linear("z"), lines),
        360);
  }

  private static double[] meanScores(double delta, double[] lengths) {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    double[] mean = new double[lengths.length];
    for (int i = 0; i < TEXTS; i++) {
      var list = new GreenList(VOCABULARY, 0.25, random.nextLong());
      int[] text = marked(new Watermark(list, delta), random);
      for (int l = 0; l < lengths.length; l++) {
        int[] beginning = Arrays.copyOf(text, (int) lengths[l] + 1);
        mean[l] += new WatermarkDetector(list).detect(beginning).z() / TEXTS;
      }
    }
    return mean;
  }

  private static int[] marked(Watermark watermark, RandomGenerator random) {
    var draw = new Draw.InverseCdf();
    int[] text = {0};
    while (text.length <= LONGEST) {
      double[] logits =
          IntStream.range(0, VOCABULARY).mapToDouble(v -> random.nextGaussian()).toArray();
      int token = draw.token(watermark.process(text, logits), random);
      text = Arrays.copyOf(text, text.length + 1);
      text[text.length - 1] = token;
    }
    return text;
  }
}
