package lemma.sampling.filter;

import java.util.random.RandomGenerator;

/// Exclude Top Choices: now and then removes all good tokens but the least of them.
///
/// ```
/// with chance `probability`:   remove i  ⇔  P(i) ≥ threshold, and a less probable token has too
/// ```
///
/// Fewer than two tokens over the threshold: nothing goes, so a step with one good choice is never
/// spoilt. Two tokens cannot both exceed one half, so a larger threshold is off. Equals go by
/// rising id: of several least probable the highest id stays.
///
/// The chance is drawn once a step, so a chain needs a generator of its own: [#with].
///
/// Weidmann 2024, text-generation-webui pull request 6335. Answer: `sampling/xtc.md`.
public record Xtc(double threshold, double probability) {

  /// @throws IllegalArgumentException if a setting is outside [0, 1]
  public Xtc {
    if (!(threshold >= 0 && threshold <= 1))
      throw new IllegalArgumentException("threshold must be in [0, 1], was " + threshold);
    if (!(probability >= 0 && probability <= 1))
      throw new IllegalArgumentException("probability must be in [0, 1], was " + probability);
  }

  /// The link of one text, which takes a number of `random` at every step.
  public Run with(RandomGenerator random) {
    return new Run(this, random);
  }

  /// The settings with the generator of one text.
  public record Run(Xtc settings, RandomGenerator random) implements LogitsProcessor {
    @Override
    public double[] process(int[] history, double[] logits) {
      Logits.check(logits);
      boolean fires = random.nextDouble() < settings.probability();
      return fires ? settings.excluded(logits) : logits.clone();
    }
  }

  /// The logits without the top choices.
  public double[] excluded(double[] logits) {
    double[] probabilities = Logits.softmax(logits);
    if (threshold > 0.5) return logits.clone();
    int[] order = Logits.descending(logits);
    int candidates = Logits.kept(logits).length;
    int good = 0;
    while (good < candidates && probabilities[order[good]] >= threshold) good++;
    double[] rest = logits.clone();
    for (int rank = 0; rank < good - 1; rank++) rest[order[rank]] = Logits.REMOVED;
    return rest;
  }
}
