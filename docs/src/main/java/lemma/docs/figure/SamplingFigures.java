package lemma.docs.figure;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import lemma.core.model.LlamaDecoder;
import lemma.core.tokenizer.Tokenizer;
import lemma.core.tokenizer.TokenizerJson;
import lemma.docs.ProjectHome;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.Temperature;
import lemma.sampling.filter.TopP;

/// Figures of one real step of the shipped language model.
final class SamplingFigures {
  static final String PROMPT = "One day, Lily found a";
  private static final double[] TEMPERATURES = {0.5, 1, 2};
  private static final int SHOWN = 12;
  private static final double TOP_P = 0.9;

  /// What the model says of the next token.
  record Step(int[] history, double[] logits, Tokenizer tokenizer) {
    static Step read(ProjectHome home) throws IOException {
      return read(home, PROMPT);
    }

    static Step read(ProjectHome home, String prompt) throws IOException {
      Path folder = home.path("core", "models", "storyteller");
      Tokenizer tokenizer = TokenizerJson.read(folder);
      try (LlamaDecoder model = LlamaDecoder.open(folder, 1)) {
        int[] history = tokenizer.encode(prompt);
        float[] raw = model.open().append(history);
        double[] logits = IntStream.range(0, raw.length).mapToDouble(i -> raw[i]).toArray();
        return new Step(history, logits, tokenizer);
      }
    }

    double[] probabilities(double temperature) {
      return Logits.softmax(new Temperature(temperature).process(new int[0], logits.clone()));
    }

    /// The most probable tokens, likeliest first.
    int[] likeliest(int count) {
      return IntStream.range(0, logits.length)
          .boxed()
          .sorted((a, b) -> Double.compare(logits[b], logits[a]))
          .limit(count)
          .mapToInt(Integer::intValue)
          .toArray();
    }
  }

  private SamplingFigures() {}

  /// The likeliest tokens at three temperatures.
  static Figure temperatureStep(ProjectHome home) throws IOException {
    Step step = Step.read(home);
    int[] likeliest = step.likeliest(SHOWN);
    List<String> names =
        Arrays.stream(likeliest).mapToObj(token -> step.tokenizer().decode(token).strip()).toList();
    List<Charts.Bars> bars = new ArrayList<>();
    for (double temperature : TEMPERATURES) {
      double[] at = step.probabilities(temperature);
      bars.add(
          new Charts.Bars(
              "T = "
                  + (temperature == Math.rint(temperature) ? "" + (int) temperature : temperature),
              Arrays.stream(likeliest).mapToDouble(token -> at[token]).toArray()));
    }
    return new Figure.Chart(
        ("The shipped model after \"%s\": its %d likeliest next tokens at three temperatures."
                + " Low temperature moves the mass to the front, high temperature to the tail.")
            .formatted(PROMPT, SHOWN),
        Charts.bars("next token", names, Charts.Axis.linear("probability"), bars),
        360);
  }

  /// Mass of the likeliest tokens, and where top-p cuts.
  static Figure topPCut(ProjectHome home) throws IOException {
    Step step = Step.read(home);
    List<Charts.Line> lines = new ArrayList<>();
    List<String> kept = new ArrayList<>();
    double[] ranks = IntStream.rangeClosed(1, step.logits().length).asDoubleStream().toArray();
    for (double temperature : TEMPERATURES) {
      double[] sorted = step.probabilities(temperature);
      Arrays.sort(sorted);
      double[] mass = new double[sorted.length];
      double sum = 0;
      for (int i = 0; i < sorted.length; i++) mass[i] = sum += sorted[sorted.length - 1 - i];
      lines.add(new Charts.Line("T = " + temperature, ranks, mass));
      double[] heated = new Temperature(temperature).process(new int[0], step.logits().clone());
      kept.add(
          "%d at T = %s"
              .formatted(
                  Logits.kept(new TopP(TOP_P).process(new int[0], heated)).length, temperature));
    }
    lines.add(
        new Charts.Line(
            "p = " + TOP_P, new double[] {1, ranks.length}, new double[] {TOP_P, TOP_P}));
    return new Figure.Chart(
        ("Mass of the likeliest tokens after \"%s\". Top-p keeps tokens up to the line at %s: %s of"
                + " %d. The cut follows the model's certainty, where top-k always keeps as many.")
            .formatted(PROMPT, TOP_P, String.join(", ", kept), ranks.length),
        Charts.lines(Charts.Axis.log("tokens, likeliest first"), Charts.Axis.linear("mass"), lines),
        360);
  }
}
