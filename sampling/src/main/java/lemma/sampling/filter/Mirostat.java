package lemma.sampling.filter;

/// Keeps the surprise of a text near a target by feeding back what was drawn.
///
/// ```
/// keep few enough tokens for a surprise of about μ;   draw y from the renormalised P′
/// μ ← μ − η · (−log₂ P′(y) − τ),   μ₀ = 2τ
/// ```
///
/// Surprise is in bits. A token more surprising than τ lowers μ, and the next choice is narrower;
/// one less surprising raises it. The two versions differ in how μ decides what to keep.
///
/// The settings do not change; what a text has made of μ is a [Run].
///
/// Basu et al. 2021, algorithm 1, arXiv:2007.14966. The paper takes the surprise from P before
/// truncation, this and llama.cpp from P′. Answer: `sampling/mirostat.md`.
public sealed interface Mirostat {
  /// The target τ: mean surprise of a token, in bits.
  double tau();

  /// The learning rate η of the feedback.
  double eta();

  /// How many of the most probable tokens stay at this μ, at least one.
  int count(double[] logits, double mu);

  /// Begins a text.
  default Run open() {
    return new Run(this);
  }

  /// Estimates how fast the probabilities fall (Zipf's exponent s) and keeps the k tokens that give
  /// the surprise μ under that law.
  ///
  /// ```
  /// s = Σ tᵢ bᵢ / Σ tᵢ²,   tᵢ = ln((i+2)/(i+1)),  bᵢ = ln(Pᵢ / Pᵢ₊₁)   over the first m ranks
  /// k = (ε · 2^μ / (1 − V^−ε))^(1/s),   ε = s − 1
  /// ```
  ///
  /// @param m how many of the most probable tokens the estimate looks at
  record V1(double tau, double eta, int m) implements Mirostat {

    /// @throws IllegalArgumentException if `tau` or `eta` is not a finite number of 0 or more, or
    ///     `m` less than 2
    public V1 {
      check(tau, eta);
      if (m < 2) throw new IllegalArgumentException("m must be 2 or more, was " + m);
    }

    @Override
    public int count(double[] logits, double mu) {
      Logits.check(logits);
      int candidates = Logits.kept(logits).length;
      if (candidates == 1) return 1;
      double s = exponent(logits, Math.min(m, candidates));
      double epsilon = s - 1;
      double perPower = // its limit as ε → 0 is 1 / ln V
          Math.abs(epsilon) < 1e-12
              ? 1 / Math.log(logits.length)
              : epsilon / (1 - Math.pow(logits.length, -epsilon));
      double k = Math.floor(Math.pow(perPower * Math.pow(2, mu), 1 / s));
      return (int) Math.clamp(k, 1.0, candidates);
    }

    /// Least squares through the origin of ln Pᵢ − ln Pᵢ₊₁ against ln of the ratio of the ranks.
    static double exponent(double[] logits, int ranks) {
      int[] order = Logits.descending(logits);
      double tb = 0;
      double tt = 0;
      for (int i = 0; i < ranks - 1; i++) {
        double t = Math.log((i + 2.0) / (i + 1));
        tb += t * (logits[order[i]] - logits[order[i + 1]]);
        tt += t * t;
      }
      return tb / tt;
    }
  }

  /// Keeps every token whose own surprise −log₂ P is at most μ.
  record V2(double tau, double eta) implements Mirostat {

    /// @throws IllegalArgumentException if `tau` or `eta` is not a finite number of 0 or more
    public V2 {
      check(tau, eta);
    }

    @Override
    public int count(double[] logits, double mu) {
      int count = 0;
      for (double p : Logits.softmax(logits)) if (bits(p) <= mu) count++;
      return Math.max(1, count);
    }
  }

  /// One text. Each call reads from the history what was drawn after the one before: the run must
  /// be the last link of its chain, and serves one text on one thread.
  final class Run implements LogitsProcessor {
    private final Mirostat settings;
    private double mu;
    private double[] offered = {}; // P′ of the step that awaits its token
    private int awaited = -1; // where in the history that token will be

    private Run(Mirostat settings) {
      this.settings = settings;
      mu = 2 * settings.tau();
    }

    /// The μ of the last step; before any, 2τ.
    public double mu() {
      return mu;
    }

    /// @throws IllegalArgumentException if `history` is not that of the last call and one token that
    ///     it had left
    @Override
    public double[] process(int[] history, double[] logits) {
      Logits.check(logits);
      if (awaited >= 0) observe(history);
      double[] kept =
          Logits.keepFirst(logits, Logits.descending(logits), settings.count(logits, mu));
      offered = Logits.softmax(kept);
      awaited = history.length;
      return kept;
    }

    private void observe(int[] history) {
      if (history.length != awaited + 1)
        throw new IllegalArgumentException(
            "history has %d tokens, expected %d: a run serves one text, token by token"
                .formatted(history.length, awaited + 1));
      int drawn = history[awaited];
      if (drawn < 0 || drawn >= offered.length || offered[drawn] == 0)
        throw new IllegalArgumentException(
            "history ends with token %d, which this run had removed".formatted(drawn));
      mu -= settings.eta() * (bits(offered[drawn]) - settings.tau());
    }
  }

  /// Surprise: −log₂ p.
  private static double bits(double p) {
    return -Math.log(p) / Math.log(2);
  }

  private static void check(double tau, double eta) {
    if (!(tau >= 0 && tau < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("tau must be finite, 0 or more, was " + tau);
    if (!(eta >= 0 && eta < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("eta must be finite, 0 or more, was " + eta);
  }
}
