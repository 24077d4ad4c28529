package lemma.docs.figure;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lemma.docs.ProjectHome;
import lemma.sampling.filter.DynamicTemperature;
import lemma.sampling.filter.EpsilonCutoff;
import lemma.sampling.filter.EtaCutoff;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.MinP;
import lemma.sampling.filter.Mirostat;
import lemma.sampling.filter.TailFree;
import lemma.sampling.filter.TopA;
import lemma.sampling.filter.TopNSigma;
import lemma.sampling.filter.TypicalP;
import lemma.sampling.filter.Xtc;

/// What each filter makes of one real step of the shipped language model.
final class FilterFigures {
  private static final int SHOWN = 14;
  private static final int[] NO_HISTORY = {};

  private FilterFigures() {}

  static Figure minP(ProjectHome home) throws IOException {
    return draw(home, links("min-p 0.02", new MinP(0.02), "min-p 0.1", new MinP(0.1)));
  }

  static Figure typical(ProjectHome home) throws IOException {
    return draw(home, links("typical 0.2", new TypicalP(0.2), "typical 0.9", new TypicalP(0.9)));
  }

  static Figure eta(ProjectHome home) throws IOException {
    return draw(
        home,
        links("epsilon 0.02", new EpsilonCutoff(0.02, 1), "eta 0.02", new EtaCutoff(0.02, 1)));
  }

  static Figure topA(ProjectHome home) throws IOException {
    Map<String, LogitsProcessor> links = new LinkedHashMap<>();
    links.put("top-a 0.2", new TopA(0.2));
    links.put("tail-free 0.95", new TailFree(0.95));
    links.put("top-n-sigma 1", new TopNSigma(1));
    links.put("dynamic temperature 1 ± 0.5", new DynamicTemperature(1, 0.5, 1));
    return draw(home, links);
  }

  static Figure xtc(ProjectHome home) throws IOException {
    LogitsProcessor low = (history, logits) -> new Xtc(0.03, 1).excluded(logits);
    LogitsProcessor high = (history, logits) -> new Xtc(0.1, 1).excluded(logits);
    return draw(home, links("threshold 0.03", low, "threshold 0.1", high));
  }

  static Figure mirostat(ProjectHome home) throws IOException {
    return draw(
        home,
        links(
            "version 1, first step, τ = 3", new Mirostat.V1(3, 0.1, 100).open(),
            "version 2, first step, τ = 3", new Mirostat.V2(3, 0.1).open()));
  }

  private static Map<String, LogitsProcessor> links(
      String firstName, LogitsProcessor first, String secondName, LogitsProcessor second) {
    Map<String, LogitsProcessor> links = new LinkedHashMap<>();
    links.put(firstName, first);
    links.put(secondName, second);
    return links;
  }

  /// The likeliest tokens before and after each link; a removed token has no bar.
  private static Figure draw(ProjectHome home, Map<String, LogitsProcessor> links)
      throws IOException {
    var step = SamplingFigures.Step.read(home);
    double[] plain = Logits.softmax(step.logits());
    int[] likeliest = step.likeliest(SHOWN);
    List<String> names =
        Arrays.stream(likeliest).mapToObj(token -> step.tokenizer().decode(token).strip()).toList();
    List<Charts.Bars> bars = new ArrayList<>();
    bars.add(new Charts.Bars("model", pick(plain, likeliest)));
    List<String> counts = new ArrayList<>();
    links.forEach((name, link) -> {
      double[] scores = link.process(NO_HISTORY, step.logits().clone());
      bars.add(new Charts.Bars(name, pick(Logits.softmax(scores), likeliest)));
      counts.add("%s keeps %,d".formatted(name, Logits.kept(scores).length));
    });
    return new Figure.Chart(
        "The shipped model after \"%s\": its %d likeliest next tokens before and after. Of %,d tokens %s."
            .formatted(
                SamplingFigures.PROMPT,
                SHOWN,
                plain.length,
                counts.stream().collect(Collectors.joining("; "))),
        Charts.bars("next token", names, Charts.Axis.log("probability"), bars),
        360);
  }

  private static double[] pick(double[] probabilities, int[] tokens) {
    return IntStream.of(tokens)
        .mapToDouble(token -> probabilities[token] > 0 ? probabilities[token] : Double.NaN)
        .toArray();
  }
}
