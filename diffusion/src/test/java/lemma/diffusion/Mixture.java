package lemma.diffusion;

import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.scheduler.Denoiser;
import lemma.diffusion.score.GaussianMixture;
import lemma.proof.GoldenCase;
import tools.jackson.databind.JsonNode;

/// The mixture of the golden cases, with the ideal network for a schedule; see [GaussianMixture].
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
    return exact().dimensions();
  }

  /// The mathematics.
  public GaussianMixture exact() {
    return new GaussianMixture(weights, means, variances);
  }

  /// Clean data `[count, d]`.
  public Tensor sample(int count, RandomGenerator random) {
    return exact().sample(count, random);
  }

  /// log p(k | x) of one point at signal a and noise s.
  public double[] logClass(double[] x, double a, double s) {
    return exact().logClass(x, a, s);
  }

  /// The mean of x₀ given x, row by row.
  public Tensor x0(Tensor x, double a, double s) {
    return exact().x0(x, a, s);
  }

  /// The ideal prediction of ε.
  public Tensor epsilon(Tensor x, double a, double s) {
    return exact().epsilon(x, a, s);
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
