package lemma.sampling.generate;

import java.util.List;
import java.util.random.RandomGenerator;
import lemma.sampling.draw.Draw;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.PresenceFrequencyPenalty;
import lemma.sampling.filter.RepetitionPenalty;
import lemma.sampling.filter.SamplingKernel;
import lemma.sampling.filter.Temperature;

/// The fast form of [GenerationConfig#chain], with scratch space of its own.
///
/// | part of the chain | here |
/// |---|---|
/// | penalties over the history | on a copy of the logits, only the tokens of the history |
/// | a constraint | on the same copy, by words of its mask |
/// | other links before the temperature | the formula, rounded to floats |
/// | temperature, top-k, top-p, min-p | [SamplingKernel] |
/// | the cuts after it | the formula, on the few candidates that the kernel left |
/// | temperature, Mirostat | the formula: it needs the whole vocabulary in order |
final class FastSampler implements TokenSampler {
  private static final int[] NO_HISTORY = {};

  private final List<LogitsProcessor> beforeTemperature;
  private final SamplingKernel kernel;
  private final boolean hasCuts;
  private final LogitsProcessor cuts;
  private final LogitsProcessor mirostat; // with the temperature before it; null if it is off
  private final Draw draw = new Draw.InverseCdf();
  private final Candidates scratch = new Candidates();
  private float[] scores = {};
  private int[] counts = {};

  FastSampler(GenerationConfig config, int promptLength, RandomGenerator random) {
    beforeTemperature = config.beforeTemperature(promptLength, random);
    kernel = config.filters().kernel();
    hasCuts = config.filters().hasCuts();
    cuts = config.filters().cuts(random);
    mirostat =
        config
            .filters()
            .mirostat()
            .map(on -> LogitsProcessor.chain(new Temperature(kernel.temperature()), on.open()))
            .orElse(null);
  }

  @Override
  public boolean complete(int[] history) {
    for (LogitsProcessor link : beforeTemperature)
      if (link instanceof ConstrainedText text && text.complete(history)) return true;
    return false;
  }

  @Override
  public int next(int[] history, float[] logits, RandomGenerator random) {
    float[] edited = beforeTemperature.isEmpty() ? logits : edited(history, logits);
    if (mirostat != null) return draw.token(mirostat.process(history, wide(edited)), random);
    return hasCuts ? drawAfterCuts(edited, random) : kernel.draw(edited, scratch, random);
  }

  private int drawAfterCuts(float[] logits, RandomGenerator random) {
    kernel.keep(logits, scratch);
    int[] tokens = scratch.tokens();
    double temperature = kernel.temperature() == 0 ? 1 : kernel.temperature(); // 0 leaves one token
    double[] kept = new double[tokens.length];
    for (int i = 0; i < kept.length; i++) kept[i] = logits[tokens[i]] / temperature;
    return tokens[draw.token(cuts.process(NO_HISTORY, kept), random)];
  }

  /// A copy of the logits after the links in front of the temperature.
  private float[] edited(int[] history, float[] logits) {
    if (scores.length != logits.length) {
      scores = new float[logits.length];
      counts = new int[logits.length];
    }
    System.arraycopy(logits, 0, scores, 0, logits.length);
    for (LogitsProcessor link : beforeTemperature) edit(link, history);
    return scores;
  }

  private void edit(LogitsProcessor link, int[] history) {
    switch (link) {
      case RepetitionPenalty whole when whole.window() >= history.length ->
          penalise(history, (float) whole.penalty(), 0, 0);
      case PresenceFrequencyPenalty whole when whole.window() >= history.length ->
          penalise(history, 1, (float) whole.presence(), (float) whole.frequency());
      case ConstrainedText text -> text.allowed(history).apply(scores);
      default -> {
        double[] result = link.process(history, wide(scores));
        for (int i = 0; i < result.length; i++) scores[i] = (float) result[i];
      }
    }
  }

  private static double[] wide(float[] logits) {
    double[] wide = new double[logits.length];
    for (int i = 0; i < wide.length; i++) wide[i] = logits[i];
    return wide;
  }

  /// Both penalties over the tokens of the history, each token once.
  private void penalise(int[] history, float repetition, float presence, float frequency) {
    for (int token : history) counts[token]++;
    for (int token : history) {
      if (counts[token] == 0) continue; // done at an earlier place
      float x = scores[token];
      scores[token] =
          (x > 0 ? x / repetition : x * repetition) - presence - frequency * counts[token];
      counts[token] = 0;
    }
  }
}
