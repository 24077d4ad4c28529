package lemma.diffusion.score;

import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;

/// A world in which the ideal network is known: data from a mixture of round Gaussians.
///
/// ```
/// x = a·x₀ + s·ε        p(x) = Σₖ wₖ·N(x; a·mₖ, Vₖ)        Vₖ = a²·vₖ + s²
/// E[x₀ | x] = Σₖ rₖ·(mₖ + a·vₖ/Vₖ·(x − a·mₖ))        rₖ ∝ wₖ·N(x; a·mₖ, Vₖ)
/// ∇ log p(x) = (a·E[x₀ | x] − x) / s² = −ε̂ / s
/// ```
///
/// Points are rows of `[n, d]`.
public record GaussianMixture(double[] weights, double[][] means, double[] variances) {

  /// @throws IllegalArgumentException if there is no component, the lengths differ, the weights do not
  ///     sum to 1 or a variance is not positive
  public GaussianMixture {
    if (weights.length == 0) throw new IllegalArgumentException("weights must not be empty");
    if (means.length != weights.length || variances.length != weights.length)
      throw new IllegalArgumentException(
          "as many means and variances as weights are needed, were %d, %d and %d"
              .formatted(means.length, variances.length, weights.length));
    double sum = 0;
    for (int k = 0; k < weights.length; k++) {
      if (!(weights[k] > 0))
        throw new IllegalArgumentException("weights must be positive, one was " + weights[k]);
      if (!(variances[k] > 0))
        throw new IllegalArgumentException("variances must be positive, one was " + variances[k]);
      if (means[k].length == 0 || means[k].length != means[0].length)
        throw new IllegalArgumentException(
            "means must have one dimension, mean %d has %d".formatted(k, means[k].length));
      sum += weights[k];
    }
    if (!(Math.abs(sum - 1) < 1e-9))
      throw new IllegalArgumentException("weights must sum to 1, was " + sum);
    weights = weights.clone();
    variances = variances.clone();
    double[][] copies = new double[means.length][];
    for (int k = 0; k < copies.length; k++) copies[k] = means[k].clone();
    means = copies;
  }

  public int dimensions() {
    return means[0].length;
  }

  /// Clean data `[count, d]`.
  public Tensor sample(int count, RandomGenerator random) {
    int d = dimensions();
    double[] x = new double[count * d];
    for (int row = 0; row < count; row++) {
      double u = random.nextDouble();
      int k = 0;
      while (k < weights.length - 1 && u >= weights[k]) u -= weights[k++];
      for (int i = 0; i < d; i++)
        x[row * d + i] = means[k][i] + Math.sqrt(variances[k]) * random.nextGaussian();
    }
    return Tensor.of(x, count, d);
  }

  /// log p(x) of one point at signal a and noise s.
  public double logDensity(double[] x, double a, double s) {
    return logSum(logJoint(x, a, s));
  }

  /// log p(k | x) of one point at signal a and noise s.
  public double[] logClass(double[] x, double a, double s) {
    double[] logs = logJoint(x, a, s);
    double sum = logSum(logs);
    for (int k = 0; k < logs.length; k++) logs[k] -= sum;
    return logs;
  }

  /// The mean of x₀ given x, row by row: the ideal denoiser.
  public Tensor x0(Tensor x, double a, double s) {
    int d = dimensions();
    double[] out = new double[x.count()];
    double[] row = new double[d];
    for (int from = 0; from < out.length; from += d) {
      System.arraycopy(x.data(), from, row, 0, d);
      double[] logs = logClass(row, a, s);
      for (int k = 0; k < logs.length; k++) {
        double gain = a * variances[k] / (a * a * variances[k] + s * s);
        for (int i = 0; i < d; i++)
          out[from + i] += Math.exp(logs[k]) * (means[k][i] + gain * (row[i] - a * means[k][i]));
      }
    }
    return Tensor.of(out, x.shape());
  }

  /// The mean of ε given x.
  public Tensor epsilon(Tensor x, double a, double s) {
    return x.sub(x0(x, a, s).mul(a)).div(s);
  }

  /// ∇ log p(x).
  public Tensor score(Tensor x, double a, double s) {
    return epsilon(x, a, s).div(-s);
  }

  /// Where the probability-flow equation leads in one dimension, exactly: in y = x₀ + σ·ε.
  ///
  /// ```
  /// F(y; σ) = Σₖ wₖ·Φ((y − mₖ) / √(vₖ + σ²))        F(y(σ′); σ′) = F(y(σ); σ)
  /// ```
  ///
  /// Trajectories on a line cannot cross, so that each keeps its quantile; found by bisection.
  ///
  /// @throws IllegalArgumentException if the mixture has more than one dimension
  public double flow(double y, double fromSigma, double toSigma) {
    if (dimensions() != 1)
      throw new IllegalArgumentException("the flow needs 1 dimension, was " + dimensions());
    boolean upper = tail(y, fromSigma, true) < 0.5; // the smaller tail is the more precise
    double target = tail(y, fromSigma, upper);
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (int k = 0; k < weights.length; k++) {
      double reach = 40 * Math.sqrt(variances[k] + toSigma * toSigma);
      low = Math.min(low, means[k][0] - reach);
      high = Math.max(high, means[k][0] + reach);
    }
    for (int i = 0; i < 200; i++) {
      double middle = 0.5 * (low + high);
      if (tail(middle, toSigma, upper) > target == upper) low = middle;
      else high = middle;
    }
    return 0.5 * (low + high);
  }

  /// The probability above y, or below it.
  private double tail(double y, double sigma, boolean upper) {
    double sum = 0;
    for (int k = 0; k < weights.length; k++) {
      double z = (y - means[k][0]) / Math.sqrt(2 * (variances[k] + sigma * sigma));
      double erf = Tensor.scalar(z).erf().item();
      sum += weights[k] * 0.5 * (upper ? 1 - erf : 1 + erf);
    }
    return sum;
  }

  /// log (wₖ·N(x; a·mₖ, Vₖ)).
  private double[] logJoint(double[] x, double a, double s) {
    double[] logs = new double[weights.length];
    for (int k = 0; k < logs.length; k++) {
      double variance = a * a * variances[k] + s * s;
      double squares = 0;
      for (int i = 0; i < x.length; i++) {
        double gap = x[i] - a * means[k][i];
        squares += gap * gap;
      }
      logs[k] =
          Math.log(weights[k])
              - squares / (2 * variance)
              - x.length / 2.0 * Math.log(2 * Math.PI * variance);
    }
    return logs;
  }

  private static double logSum(double[] logs) {
    double largest = Double.NEGATIVE_INFINITY;
    for (double log : logs) largest = Math.max(largest, log);
    double sum = 0;
    for (double log : logs) sum += Math.exp(log - largest);
    return largest + Math.log(sum);
  }
}
