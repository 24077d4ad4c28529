package lemma.sampling.speculative;

/// Checks guessed tokens so that what stays is distributed as the target model has it.
///
/// ```
/// xᵢ ~ qᵢ              the guess
/// stays, if r ≤ pᵢ(xᵢ) / qᵢ(xᵢ),   r ~ U[0, 1)
/// at the first that goes, draw from  norm(max(0, pᵢ − qᵢ));   if all stay, from pₙ₊₁
/// ```
///
/// Token x comes with q(x)·min(1, p(x)/q(x)) as a guess that stays, which is min(p, q), and with
/// max(0, p(x) − q(x)) as a replacement: p(x) in all, whatever q is.
///
/// | symbol | shape | |
/// |---|---|---|
/// | `p` | `[guesses + 1, vocabularySize]` | the target's distributions, after all filters |
/// | `q` | `[guesses, vocabularySize]` | the draft's |
///
/// Leviathan, Kalman & Matias 2023, algorithm 1, arXiv:2211.17192; Chen et al. 2023,
/// arXiv:2302.01318. Answer: `sampling/speculative-decoding.md`.
public final class SpeculativeSampling {
  private SpeculativeSampling() {}

  /// What a check left of the guesses.
  ///
  /// @param accepted how many guesses stay
  /// @param next the distribution of the token after them
  public record Verdict(int accepted, double[] next) {}

  /// Checks `guesses` with one uniform in [0, 1) each.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit, or a guess has q = 0: it cannot have
  ///     been drawn from q
  public static Verdict verify(double[][] p, double[][] q, int[] guesses, double... uniforms) {
    if (p.length != guesses.length + 1
        || q.length != guesses.length
        || uniforms.length < guesses.length)
      throw new IllegalArgumentException(
          "%d guesses need as many rows of q and uniforms and one more of p, were %d, %d and %d"
              .formatted(guesses.length, q.length, uniforms.length, p.length));
    for (int i = 0; i < guesses.length; i++) {
      if (p[i].length != q[i].length)
        throw new IllegalArgumentException(
            "the target's vocabulary has %d tokens, the draft's %d"
                .formatted(p[i].length, q[i].length));
      double drafted = q[i][guesses[i]];
      if (!(drafted > 0))
        throw new IllegalArgumentException(
            "guess %d is token %d, which q gives probability %s".formatted(i, guesses[i], drafted));
      double wanted = p[i][guesses[i]];
      // a token that the target cannot say goes even if r = 0
      if (wanted == 0 || uniforms[i] * drafted > wanted)
        return new Verdict(i, residual(p[i], q[i]));
    }
    return new Verdict(guesses.length, p[guesses.length]);
  }

  /// max(0, p − q), normalised: what p has left where q did not reach it; p itself where q = p.
  ///
  /// @throws IllegalArgumentException if the lengths differ
  public static double[] residual(double[] p, double[] q) {
    if (p.length != q.length)
      throw new IllegalArgumentException(
          "p and q must be as long, were %d and %d".formatted(p.length, q.length));
    double[] residual = new double[p.length];
    double sum = 0;
    for (int x = 0; x < p.length; x++) sum += residual[x] = Math.max(0, p[x] - q[x]);
    if (sum == 0) return p.clone(); // equal up to rounding: nothing is ever rejected
    for (int x = 0; x < p.length; x++) residual[x] /= sum;
    return residual;
  }

  /// The probability that a guess of q stays: Σ min(p, q) = 1 − total variation distance.
  public static double acceptance(double[] p, double[] q) {
    double sum = 0;
    for (int x = 0; x < p.length; x++) sum += Math.min(p[x], q[x]);
    return sum;
  }

  /// The tokens that one pass of the target brings on average, if each guess stays with
  /// probability `acceptance`.
  ///
  /// ```
  /// 1 + a + a² + … + aᵞ = (1 − aᵞ⁺¹) / (1 − a)
  /// ```
  ///
  /// @throws IllegalArgumentException if `acceptance` is outside [0, 1] or `guesses` negative
  public static double expectedTokens(double acceptance, int guesses) {
    if (!(acceptance >= 0 && acceptance <= 1))
      throw new IllegalArgumentException("acceptance must be in [0, 1], was " + acceptance);
    if (guesses < 0)
      throw new IllegalArgumentException("guesses must be 0 or more, were " + guesses);
    if (acceptance == 1) return guesses + 1.0;
    return (1 - Math.pow(acceptance, guesses + 1)) / (1 - acceptance);
  }

  /// The smallest token whose cumulated probability exceeds `uniform`.
  static int draw(double[] probabilities, double uniform) {
    double mass = 0;
    int last = 0;
    for (int x = 0; x < probabilities.length; x++) {
      mass += probabilities[x];
      if (mass > uniform) return x;
      if (probabilities[x] > 0) last = x;
    }
    return last; // the sum was rounded below the uniform
  }
}
