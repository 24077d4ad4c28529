package lemma.docs.figure;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import lemma.docs.ProjectHome;
import lemma.sampling.filter.Dry;
import lemma.sampling.filter.DynamicTemperature;
import lemma.sampling.filter.EpsilonCutoff;
import lemma.sampling.filter.EtaCutoff;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.MinP;
import lemma.sampling.filter.Mirostat;
import lemma.sampling.filter.NoRepeatNGram;
import lemma.sampling.filter.RepetitionPenalty;
import lemma.sampling.filter.TailFree;
import lemma.sampling.filter.TopA;
import lemma.sampling.filter.TopK;
import lemma.sampling.filter.TopNSigma;
import lemma.sampling.filter.TypicalP;
import lemma.sampling.filter.Xtc;

/// What each filter makes of one real step of the shipped language model.
final class FilterFigures {
  private static final int SHOWN = 14;
  private static final String ECHO = "Tom had a big red ball. Lily had a big red";

  private record Named(String name, LogitsProcessor link) {}

  private FilterFigures() {}

  static Figure minP(ProjectHome home) throws IOException {
    return draw(
        home, new Named("min-p 0.02", new MinP(0.02)), new Named("min-p 0.1", new MinP(0.1)));
  }

  static Figure topK(ProjectHome home) throws IOException {
    return draw(home, new Named("top-k 5", new TopK(5)), new Named("top-k 10", new TopK(10)));
  }

  static Figure typical(ProjectHome home) throws IOException {
    return draw(
        home,
        new Named("typical 0.2", new TypicalP(0.2)),
        new Named("typical 0.9", new TypicalP(0.9)));
  }

  static Figure eta(ProjectHome home) throws IOException {
    return draw(
        home,
        new Named("epsilon 0.02", new EpsilonCutoff(0.02, 1)),
        new Named("eta 0.02", new EtaCutoff(0.02, 1)));
  }

  static Figure topA(ProjectHome home) throws IOException {
    return draw(
        home,
        new Named("top-a 0.2", new TopA(0.2)),
        new Named("tail-free 0.95", new TailFree(0.95)),
        new Named("top-n-sigma 1", new TopNSigma(1)),
        new Named("dynamic temperature 1 ± 0.5", new DynamicTemperature(1, 0.5, 1)));
  }

  static Figure xtc(ProjectHome home) throws IOException {
    return draw(
        home,
        new Named("threshold 0.03", (history, logits) -> new Xtc(0.03, 1).excluded(logits)),
        new Named("threshold 0.1", (history, logits) -> new Xtc(0.1, 1).excluded(logits)));
  }

  static Figure mirostat(ProjectHome home) throws IOException {
    return draw(
        home,
        new Named("version 1, first step, τ = 3", new Mirostat.V1(3, 0.1, 100).open()),
        new Named("version 2, first step, τ = 3", new Mirostat.V2(3, 0.1).open()));
  }

  /// A step in the middle of a text that says itself again.
  static Figure dry(ProjectHome home) throws IOException {
    return draw(
        home,
        ECHO,
        new Named("repetition 1.2", new RepetitionPenalty(1.2)),
        new Named("no repeated 3-gram", new NoRepeatNGram(3)),
        new Named("DRY 0.8", new Dry(0.8, 1.75, 2)));
  }

  private static Figure draw(ProjectHome home, Named... links) throws IOException {
    return draw(home, SamplingFigures.PROMPT, links);
  }

  /// The likeliest tokens before and after each link; a removed token has no bar.
  private static Figure draw(ProjectHome home, String prompt, Named... links) throws IOException {
    var step = SamplingFigures.Step.read(home, prompt);
    double[] plain = Logits.softmax(step.logits());
    int[] likeliest = step.likeliest(SHOWN);
    List<String> names =
        Arrays.stream(likeliest).mapToObj(token -> step.tokenizer().decode(token).strip()).toList();
    List<Charts.Bars> bars = new ArrayList<>();
    bars.add(new Charts.Bars("model", pick(plain, likeliest)));
    List<String> counts = new ArrayList<>();
    for (Named named : links) {
      double[] scores = named.link().process(step.history(), step.logits().clone());
      bars.add(new Charts.Bars(named.name(), pick(Logits.softmax(scores), likeliest)));
      counts.add("%s keeps %,d".formatted(named.name(), Logits.kept(scores).length));
    }
    return new Figure.Chart(
        "The shipped model after \"%s\": its %d likeliest next tokens before and after. Of %,d tokens %s."
            .formatted(prompt, SHOWN, plain.length, String.join("; ", counts)),
        Charts.bars("next token", names, Charts.Axis.log("probability"), bars),
        360);
  }

  private static double[] pick(double[] probabilities, int[] tokens) {
    return IntStream.of(tokens)
        .mapToDouble(token -> probabilities[token] > 0 ? probabilities[token] : Double.NaN)
        .toArray();
  }
}
