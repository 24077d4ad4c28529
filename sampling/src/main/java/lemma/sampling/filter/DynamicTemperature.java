package lemma.sampling.filter;

/// A temperature that follows the entropy: low where the model is sure, high where it is not.
///
/// ```
/// T = T₀ + (T₁ − T₀) · (H / ln V)^γ,   T₀ = max(0, t − δ),  T₁ = t + δ
/// ```
///
/// H is the entropy of the distribution in nats and V the number of tokens not removed, so that
/// H / ln V is 0 when sure and 1 when uniform. δ = 0 is [Temperature] t.
///
/// As in llama.cpp, `dynatemp-range`. Answer: `sampling/top-a.md`.
///
/// @param temperature t, the middle of the range
/// @param delta δ, half the width of the range
/// @param exponent γ
public record DynamicTemperature(double temperature, double delta, double exponent)
    implements LogitsProcessor {

  /// @throws IllegalArgumentException if a value is negative, NaN or infinite
  public DynamicTemperature {
    new Temperature(temperature);
    if (!(delta >= 0 && delta < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("delta must be finite, 0 or more, was " + delta);
    if (!(exponent >= 0 && exponent < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("exponent must be finite, 0 or more, was " + exponent);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    return new Temperature(effective(logits)).process(history, logits);
  }

  /// The temperature that these logits get.
  public double effective(double[] logits) {
    double entropy = Logits.entropy(logits);
    int tokens = Logits.kept(logits).length;
    if (delta == 0 || tokens == 1) return temperature; // one token: nothing to reshape
    double sureness = Math.min(1, entropy / Math.log(tokens));
    double lowest = Math.max(0, temperature - delta);
    return lowest + (temperature + delta - lowest) * Math.pow(sureness, exponent);
  }
}
