package lemma.docs.figure;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import lemma.core.position.Alibi;
import lemma.core.position.RelativeBias;
import lemma.core.position.Rope;
import lemma.core.position.Sinusoidal;
import lemma.core.tensor.Tensor;

/// Figures of the chapter on positions.
final class PositionFigures {
  private static final int HEAD_DIM = 64;
  private static final int RADIUS = 60;
  private static final int SPACE = 160;

  private PositionFigures() {}

  /// Four of a head's 32 planes: where a vector stands at positions 0 to 8.
  static Figure ropeRotation() {
    int[] pairs = {0, 4, 8, 16};
    int[] positions = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    Rope rope = Rope.llama(HEAD_DIM, 10_000);
    var svg = new StringBuilder();
    for (int dial = 0; dial < pairs.length; dial++) {
      int pair = pairs[dial];
      double[] x = new double[positions.length * HEAD_DIM];
      for (int t = 0; t < positions.length; t++) x[t * HEAD_DIM + pair] = 1;
      double[] y = rope.apply(Tensor.of(x, positions.length, HEAD_DIM), positions).toArray();
      svg.append(dial(dial * SPACE + SPACE / 2, y, pair));
      double turns = 2 * Math.PI / rope.frequencies()[pair];
      svg.append(
          "<text x=\"%d\" y=\"168\" text-anchor=\"middle\">pair %d</text>"
              .formatted(dial * SPACE + SPACE / 2, pair));
      svg.append(
          "<text x=\"%d\" y=\"187\" text-anchor=\"middle\" opacity=\".7\">a turn in %s</text>"
              .formatted(dial * SPACE + SPACE / 2, String.format(Locale.ROOT, "%.1f", turns)));
    }
    return new Figure.Drawing(
        "The same vector at positions 0 (pale) to 8 (dark), in four of the 32 planes of a head of 64"
            + " channels. Every step turns a plane by its own angle: pair 0 fast, later ones slower.",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d 200\" width=\"%d\" font-size=\"14\" fill=\"currentColor\">%s</svg>"
            .formatted(SPACE * pairs.length, SPACE * pairs.length, svg));
  }

  private static String dial(int centre, double[] y, int pair) {
    var svg =
        new StringBuilder(
            "<circle cx=\"%d\" cy=\"78\" r=\"%d\" fill=\"none\" stroke=\"currentColor\" opacity=\".25\"/>"
                .formatted(centre, RADIUS));
    int count = y.length / HEAD_DIM;
    for (int t = 0; t < count; t++) {
      double right = y[t * HEAD_DIM + pair];
      double up = y[t * HEAD_DIM + pair + HEAD_DIM / 2];
      double opacity = 0.2 + 0.8 * t / (count - 1);
      svg.append(
          String.format(
              Locale.ROOT,
              "<g opacity=\"%.2f\" stroke=\"currentColor\" stroke-width=\"1.6\">"
                  + "<line x1=\"%d\" y1=\"78\" x2=\"%.1f\" y2=\"%.1f\"/>"
                  + "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\" stroke=\"none\"/></g>",
              opacity,
              centre,
              centre + RADIUS * right,
              78 - RADIUS * up,
              centre + RADIUS * right,
              78 - RADIUS * up));
    }
    return svg.toString();
  }

  /// The expected score of a random vector with itself, over the distance.
  static Figure ropeDecay() {
    List<Charts.Line> lines = new ArrayList<>();
    for (double base : new double[] {10_000, 500_000}) {
      Rope rope = Rope.llama(128, base);
      double[] distance = Charts.geometric(1, 20_000, 240);
      double[] score = new double[distance.length];
      for (int i = 0; i < score.length; i++) {
        distance[i] = Math.rint(distance[i]);
        score[i] = rope.expectedScore((int) distance[i]);
      }
      lines.add(new Charts.Line(String.format(Locale.ROOT, "base %,.0f", base), distance, score));
    }
    return new Figure.Chart(
        "Expected score of a random vector with itself, relative to distance 0, for a head of 128"
            + " channels. A larger base moves the fall to longer distances.",
        Charts.lines(
            Charts.Axis.log("distance between the positions"),
            Charts.Axis.linear("expected score"),
            lines),
        340);
  }

  /// The product of two sinusoidal embeddings over their distance.
  static Figure sinusoidalProduct() {
    double[] distance = new double[201];
    double[] product = new double[201];
    Tensor rows = Sinusoidal.of(128).apply(IntStream.rangeClosed(0, 200).toArray());
    for (int j = 0; j <= 200; j++) {
      distance[j] = j - 100;
      product[j] = rows.select(0, 100).mul(rows.select(0, j)).sum().item() / 64;
    }
    return new Figure.Chart(
        "Product of the embedding of position 100 with those around it, relative to its own, at width"
            + " 128. It falls with the distance and is the same before and after.",
        Charts.lines(
            Charts.Axis.linear("distance"),
            Charts.Axis.linear("product"),
            List.of(new Charts.Line("product", distance, product))),
        300);
  }

  /// The bucket of each distance in T5's decoder and, looking back, in its encoder.
  static Figure t5Buckets() {
    List<Charts.Line> lines = new ArrayList<>();
    for (boolean bidirectional : new boolean[] {false, true}) {
      double[] distance = new double[256];
      double[] bucket = new double[256];
      for (int r = 1; r <= 256; r++) {
        distance[r - 1] = r;
        bucket[r - 1] = RelativeBias.t5(bidirectional).bucket(-r);
      }
      lines.add(
          new Charts.Line(bidirectional ? "encoder, looking back" : "decoder", distance, bucket));
    }
    return new Figure.Chart(
        "The bucket of each distance: one each at first, then wider and wider ones, and one for all"
            + " from 128 tokens on.",
        Charts.lines(Charts.Axis.log("distance"), Charts.Axis.linear("bucket"), lines),
        300);
  }

  /// The share of attention within a distance, for equal scores, in heads of ALiBi.
  static Figure alibiReach() {
    List<Charts.Line> lines = new ArrayList<>();
    double[] slopes = new Alibi(8).slopes();
    for (int head : new int[] {0, 2, 4, 7}) {
      double[] distance = Charts.geometric(1, 4096, 100);
      double[] within = new double[distance.length];
      for (int i = 0; i < within.length; i++)
        within[i] = 1 - Math.exp(-slopes[head] * (distance[i] + 1));
      lines.add(
          new Charts.Line(
              String.format(Locale.ROOT, "slope 1/%.0f", 1 / slopes[head]), distance, within));
    }
    return new Figure.Chart(
        "Share of a head's attention that lies within a distance, in a long text whose scores are"
            + " equal, for four of eight heads.",
        Charts.lines(Charts.Axis.log("distance"), Charts.Axis.linear("share of attention"), lines),
        300);
  }
}
