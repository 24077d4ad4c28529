package lemma.sampling.filter;

/// A token's probability up to a factor, in double and in the order of operations of the formula:
/// [Temperature] divides, then [Logits#weights] subtracts the maximum.
final class Weight {
  private Weight() {}

  /// exp(x/T − max/T); where max/T overflows the difference comes first, as in [Temperature].
  static double of(float logit, float max, double temperature) {
    double scaled = max / temperature;
    return Double.isInfinite(scaled)
        ? Math.exp(((double) logit - max) / temperature)
        : Math.exp(logit / temperature - scaled);
  }

  /// The sum over all tokens, one after the other, as [Logits#weights] is summed.
  static double sum(float[] logits, float max, double temperature) {
    double sum = 0;
    for (float logit : logits) sum += of(logit, max, temperature);
    return sum;
  }
}
