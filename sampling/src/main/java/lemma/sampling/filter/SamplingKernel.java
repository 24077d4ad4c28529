package lemma.sampling.filter;

import java.util.random.RandomGenerator;

/// One step of sampling on float logits: temperature → top-k → top-p → min-p → draw, in the order
/// of transformers' `generate`.
///
/// With top-k or top-p on, only the candidates are ever weighed, in double and with the arithmetic of
/// the formula: the tokens kept, their probabilities and, for the same uniform number, the token
/// drawn are those of the chain [Temperature], [TopK] (exactly k), [TopP], [MinP]. With all filters
/// off the probabilities are those of float sums, within [LogitScan#MASS_ERROR].
///
/// The settings do not change; [Candidates] is the scratch space of one thread.
///
/// @param temperature 0 is greedy, 1 leaves the distribution as it is
/// @param topK 0 is off
/// @param topP 1 is off
/// @param minP 0 is off
public record SamplingKernel(double temperature, int topK, double topP, double minP) {

  /// @throws IllegalArgumentException if a setting is outside its range, see [Temperature], [TopK],
  ///     [TopP], [MinP]; or `temperature` is neither 0 nor in [1e-30, 1e30]
  public SamplingKernel {
    new Temperature(temperature);
    if (temperature != 0) LogitScan.checkTemperature(temperature);
    new TopK(topK);
    new TopP(topP);
    new MinP(minP);
  }

  /// The same settings as links of a chain.
  public LogitsProcessor formula() {
    return LogitsProcessor.chain(
        new Temperature(temperature), new TopK(topK), new TopP(topP), new MinP(minP));
  }

  /// Draws a token with one number of `random` (none if `temperature` is 0).
  ///
  /// @throws IllegalArgumentException if the logits are no scores, see [Logits#check]
  public int draw(float[] logits, Candidates scratch, RandomGenerator random) {
    if (temperature == 0) return LogitScan.best().argMax(logits, scratch);
    if (topK == 0 && topP == 1 && minP == 0) return drawFromAll(logits, scratch, random);
    keep(logits, scratch);
    return scratch.draw(temperature, random.nextDouble());
  }

  /// Leaves the tokens that can be drawn in `kept`.
  ///
  /// @throws IllegalArgumentException if the logits are no scores, see [Logits#check]
  public void keep(float[] logits, Candidates kept) {
    LogitScan scan = LogitScan.best();
    if (temperature == 0) {
      int best = scan.argMax(logits, kept);
      kept.reset(logits.length);
      kept.add(best, logits[best]);
      return;
    }
    if (topK > 0) {
      TopKKernel.best().select(logits, topK, TopK.Ties.EXACTLY_K, kept);
      if (topP < 1) kept.keepTopP(temperature, topP);
    } else if (topP < 1) {
      TopPKernel.best().select(logits, temperature, topP, kept);
    } else {
      float max = scan.maxima(logits, kept.maxima);
      double lowest = minP == 0 ? -Float.MAX_VALUE : max + temperature * (Math.log(minP) - 1e-3);
      scan.gather(logits, Math.max(Math.nextDown((float) lowest), -Float.MAX_VALUE), kept);
    }
    if (minP > 0) kept.keepMinP(temperature, minP);
  }

  /// Finds the chunk by its mass, then the token in it.
  private int drawFromAll(float[] logits, Candidates scratch, RandomGenerator random) {
    LogitScan scan = LogitScan.best();
    float max = scan.maxima(logits, scratch.maxima);
    int chunk = LogitScan.chunk(logits.length);
    int chunks = LogitScan.chunks(logits.length);
    double total = 0;
    for (int c = 0; c < chunks; c++) {
      int to = Math.min((c + 1) * chunk, logits.length);
      scratch.masses[c] = scan.mass(logits, c * chunk, to, max, temperature);
      total += scratch.masses[c];
    }
    double target = random.nextDouble() * total;
    for (int c = 0; c < chunks; c++) {
      if (target >= scratch.masses[c] && c < chunks - 1) {
        target -= scratch.masses[c];
        continue;
      }
      int to = Math.min((c + 1) * chunk, logits.length);
      for (int i = c * chunk; i < to; i++) {
        double weight = Weight.of(logits[i], max, temperature);
        target -= weight;
        if (target < 0 && weight > 0) return i;
      }
    }
    int last = logits.length - 1; // rounding left nothing past the target
    while (Weight.of(logits[last], max, temperature) == 0) last--;
    return last;
  }
}
