package lemma.sampling.search;

/// How texts of different lengths are compared: the score of L tokens with a given ln P.
///
/// ```
/// Power   ln P / Lᵅ
/// Gnmt    ln P / ((5 + L) / 6)ᵅ
/// ```
///
/// ln P is negative and falls with every token, so dividing by more favours longer texts: α = 0
/// compares probabilities, α = 1 of [Power] the mean of a token, α > 1 favours longer texts still.
/// [Gnmt] is the gentler one: its divisor is 1 at L = 1 and grows a sixth as fast.
///
/// Wu et al. 2016, eq. 14, arXiv:1609.08144. Answer: `sampling/beam-search.md`.
public sealed interface LengthPenalty {

  /// The exponent; larger favours longer texts.
  double alpha();

  /// What the logarithm is divided by, `length` tokens counted with the end token.
  double divisor(int length);

  /// The score of a text.
  ///
  /// @throws IllegalArgumentException if `length` is less than 1
  default double score(double logProbability, int length) {
    if (length < 1) throw new IllegalArgumentException("length must be 1 or more, was " + length);
    return logProbability / divisor(length);
  }

  /// Lᵅ, as Hugging Face has it.
  record Power(double alpha) implements LengthPenalty {
    /// @throws IllegalArgumentException if `alpha` is not finite
    public Power {
      checkAlpha(alpha);
    }

    @Override
    public double divisor(int length) {
      return Math.pow(length, alpha);
    }
  }

  /// ((5 + L) / 6)ᵅ, as Google's translation system had it.
  record Gnmt(double alpha) implements LengthPenalty {
    /// @throws IllegalArgumentException if `alpha` is not finite
    public Gnmt {
      checkAlpha(alpha);
    }

    @Override
    public double divisor(int length) {
      return Math.pow((5 + length) / 6.0, alpha);
    }
  }

  private static void checkAlpha(double alpha) {
    if (!Double.isFinite(alpha))
      throw new IllegalArgumentException(
          "alpha of the length penalty must be finite, was " + alpha);
  }
}
