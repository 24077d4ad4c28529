package lemma.sampling.filter;

import java.util.Arrays;

/// Divides the logits by T: below 1 sharper, above 1 flatter, at 1 the model's own distribution.
///
/// ```
/// P(i) = exp(xᵢ / T) / Σⱼ exp(xⱼ / T)
/// ```
///
/// T → ∞ is uniform, T → 0 all mass on the largest logit (shared by equals). T = 0 is greedy: one
/// token is kept, of equals the one with the lowest id. The order of the tokens never changes.
///
/// Where xᵢ / T would overflow, the largest logit is subtracted first; the distribution is the same.
///
/// Ackley, Hinton & Sejnowski 1985 (Boltzmann machines). Answer: `sampling/temperature.md`.
public record Temperature(double temperature) implements LogitsProcessor {

  /// @throws IllegalArgumentException if `temperature` is negative, NaN or infinite
  public Temperature {
    if (!(temperature >= 0 && temperature < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException(
          "temperature must be finite, 0 or more, was " + temperature);
  }

  @Override
  public double[] process(int[] history, double[] logits) {
    if (temperature == 0) return greedy(logits);
    double max = Logits.check(logits);
    double shift = Double.isInfinite(max / temperature) ? max : 0;
    return Arrays.stream(logits).map(x -> (x - shift) / temperature).toArray();
  }

  private static double[] greedy(double[] logits) {
    return Logits.keepFirst(logits, new int[] {Logits.argMax(logits)}, 1);
  }
}
