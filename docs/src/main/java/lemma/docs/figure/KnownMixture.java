package lemma.docs.figure;

import lemma.core.tensor.Tensor;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.scheduler.Denoiser;

/// A denoiser without a network: data that is a mixture of equal Gaussians has an exact one.
///
/// ```
/// pₜ(x) = Σₖ N(x; √ᾱ·μₖ, ᾱ·s² + 1 − ᾱ)/K,   ε(x, t) = −√(1 − ᾱ)·∇ log pₜ(x)
/// ```
///
/// @param means centre of every Gaussian, `[K][dim]`
/// @param deviation s, the same in every direction
record KnownMixture(NoiseSchedule schedule, double[][] means, double deviation)
    implements Denoiser {

  /// The exact ε for rows `x [count, dim]`.
  @Override
  public Tensor predict(Tensor x, double timestep) {
    double alphaBar = schedule.alphaBar((int) timestep);
    double variance = alphaBar * deviation * deviation + 1 - alphaBar;
    double[] rows = x.toArray();
    double[] epsilon = new double[rows.length];
    int dim = means[0].length;
    for (int from = 0; from < rows.length; from += dim) {
      double[] share = shares(rows, from, Math.sqrt(alphaBar), variance);
      for (int k = 0; k < means.length; k++)
        for (int i = 0; i < dim; i++)
          epsilon[from + i] +=
              share[k]
                  * (rows[from + i] - Math.sqrt(alphaBar) * means[k][i])
                  / variance
                  * Math.sqrt(1 - alphaBar);
    }
    return Tensor.of(epsilon, x.shape());
  }

  /// How likely a row belongs to each Gaussian: a softmax of the log-densities.
  private double[] shares(double[] rows, int from, double signal, double variance) {
    double[] share = new double[means.length];
    double largest = Double.NEGATIVE_INFINITY;
    for (int k = 0; k < means.length; k++) {
      double square = 0;
      for (int i = 0; i < means[k].length; i++) {
        double gap = rows[from + i] - signal * means[k][i];
        square += gap * gap;
      }
      share[k] = -square / (2 * variance);
      largest = Math.max(largest, share[k]);
    }
    double sum = 0;
    for (int k = 0; k < share.length; k++) sum += share[k] = Math.exp(share[k] - largest);
    for (int k = 0; k < share.length; k++) share[k] /= sum;
    return share;
  }
}
