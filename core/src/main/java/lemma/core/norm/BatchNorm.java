package lemma.core.norm;

import java.util.Arrays;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;

/// Batch normalisation: each channel moved to mean 0 and scaled to variance 1 over the whole batch.
///
/// ```
/// training    y = g_c · (x − μ_c) / √(σ²_c + ε) + b_c      μ_c, σ²_c over samples and places
///             m̄ ← (1 − momentum)·m̄ + momentum·μ_c
///             v̄ ← (1 − momentum)·v̄ + momentum·σ²_c·N/(N − 1)      N = samples · places
/// evaluation  y = g_c · (x − m̄_c) / √(v̄_c + ε) + b_c
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, `y` | `[n, channels, …]` | |
/// | `g`, `b` | `[channels]` | learned gain and bias |
/// | `m̄`, `v̄` | `[channels]` | running averages: state, not learned |
///
/// In training every sample depends on all others of its batch, in evaluation on none: the two
/// compute different functions. The batch is scaled by its biased variance, the running average takes
/// the unbiased one, as in PyTorch.
///
/// Ioffe & Szegedy 2015, algorithms 1 and 2, arXiv:1502.03167. Answer: `norm/batch-norm.md`.
public record BatchNorm(
    Tensor gain,
    Tensor bias,
    Tensor runningMean,
    Tensor runningVariance,
    double momentum,
    double epsilon) {

  /// What a training step gives: the output, and the layer with its running averages moved on.
  public record Step(Tensor output, BatchNorm next) {}

  /// @throws IllegalArgumentException if the four rows differ in shape, `momentum` is not in 0 … 1 or
  ///     `epsilon` is negative or NaN
  public BatchNorm {
    if (gain.rank() != 1)
      throw new IllegalArgumentException("gain must have shape [channels], was " + gain);
    requireRow("bias", bias, gain);
    requireRow("runningMean", runningMean, gain);
    requireRow("runningVariance", runningVariance, gain);
    if (!(momentum >= 0 && momentum <= 1))
      throw new IllegalArgumentException("momentum must be in 0 … 1, was " + momentum);
    if (!(epsilon >= 0))
      throw new IllegalArgumentException("epsilon must be 0 or more, was " + epsilon);
  }

  private static void requireRow(String name, Tensor row, Tensor gain) {
    if (!Arrays.equals(row.shape(), gain.shape()))
      throw new IllegalArgumentException(
          "%s must have shape [%d], was %s".formatted(name, gain.size(0), row));
  }

  /// Where training begins: gain 1, bias 0, running mean 0 and variance 1.
  public static BatchNorm plain(int channels, double momentum, double epsilon) {
    Tensor zeros = Tensor.zeros(channels);
    Tensor ones = Tensor.ones(channels);
    return new BatchNorm(ones, zeros, zeros, ones, momentum, epsilon);
  }

  /// Normalises `x [n, channels, …]` by the statistics of the batch.
  ///
  /// @throws IllegalArgumentException if `x` has other channels, or a channel has fewer than two
  ///     numbers: its variance would be 0
  public Step train(Tensor x) {
    Channels.require(x, gain.size(0));
    int count = x.count() / gain.size(0);
    if (count < 2)
      throw new IllegalArgumentException(
          "x must have two numbers or more for each channel in training, was " + x);
    int[] others = IntStream.range(0, x.rank()).filter(axis -> axis != 1).toArray();
    Tensor mean = x.mean(others);
    Tensor variance = x.variance(others);
    Tensor output = affine(x.sub(mean).div(variance.add(epsilon).sqrt()));
    Tensor unbiased = variance.detach().mul(count / (count - 1.0));
    return new Step(
        output,
        new BatchNorm(
            gain,
            bias,
            moved(runningMean, mean.detach()),
            moved(runningVariance, unbiased),
            momentum,
            epsilon));
  }

  /// Normalises `x [n, channels, …]` by the running averages, each sample by itself.
  ///
  /// @throws IllegalArgumentException if `x` has other channels
  public Tensor apply(Tensor x) {
    Channels.require(x, gain.size(0));
    Tensor mean = Channels.along(runningMean, x);
    Tensor deviation = Channels.along(runningVariance.add(epsilon).sqrt(), x);
    return affine(x.sub(mean).div(deviation));
  }

  private Tensor affine(Tensor x) {
    return x.mul(Channels.along(gain, x)).add(Channels.along(bias, x));
  }

  private Tensor moved(Tensor average, Tensor batch) {
    return average.mul(1 - momentum).add(batch.reshape(average.shape()).mul(momentum));
  }
}
