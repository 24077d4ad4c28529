package lemma.diffusion;

import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.scheduler.Denoiser;
import lemma.proof.GoldenCase;
import tools.jackson.databind.JsonNode;

/// A world in which the ideal network is known: data from a mixture of round Gaussians.
///
/// ```
/// x = a·x₀ + s·ε        x̂₀ = Σₖ rₖ·(mₖ + a·vₖ / (a²·vₖ + s²)·(x − a·mₖ))
/// rₖ ∝ wₖ·N(x; a·mₖ, a²·vₖ + s²)
/// ```
public record Mixture(double[] weights, double[][] means, double[] variances) {

  public static Mixture of(JsonNode node) {
    return new Mixture(
        GoldenCase.numbers(node.get("weights")),
        node.get("means").valueStream().map(GoldenCase::numbers).toArray(double[][]::new),
        GoldenCase.numbers(node.get("variances")));
  }

  /// Two classes in four dimensions.
  public static Mixture example() {
    return new Mixture(
        new double[] {0.3, 0.7},
        new double[][] {{-1, 0.5, 0.25, 2}, {1.5, -0.75, 0, -1}},
        new double[] {0.25, 0.5});
  }

  /// One component alone: the data of a class.
  public Mixture component(int k) {
    return new Mixture(new double[] {1}, new double[][] {means[k]}, new double[] {variances[k]});
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

  /// log p(k | x) of one point at signal a and noise s.
  public double[] logClass(double[] x, double a, double s) {
    double[] logs = new double[weights.length];
    double largest = Double.NEGATIVE_INFINITY;
    for (int k = 0; k < logs.length; k++) {
      double variance = a * a * variances[k] + s * s;
      double squares = 0;
      for (int i = 0; i < x.length; i++) {
        double gap = x[i] - a * means[k][i];
        squares += gap * gap;
      }
      logs[k] =
          Math.log(weights[k]) - squares / (2 * variance) - x.length / 2.0 * Math.log(variance);
      largest = Math.max(largest, logs[k]);
    }
    double sum = 0;
    for (double log : logs) sum += Math.exp(log - largest);
    for (int k = 0; k < logs.length; k++) logs[k] -= largest + Math.log(sum);
    return logs;
  }

  /// The mean of x₀ given x, row by row.
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

  /// The ideal prediction of ε.
  public Tensor epsilon(Tensor x, double a, double s) {
    return x.sub(x0(x, a, s).mul(a)).div(s);
  }

  /// The ideal network.
  public Denoiser denoiser(NoiseSchedule schedule, Prediction prediction) {
    return (x, timestep) -> {
      int t = (int) timestep;
      double a = schedule.signal(t);
      double s = schedule.noise(t);
      return prediction.of(x0(x, a, s), epsilon(x, a, s), schedule.level(t));
    };
  }
}
