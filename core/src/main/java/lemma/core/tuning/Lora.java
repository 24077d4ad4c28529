package lemma.core.tuning;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;

/// Low-rank adaptation of a linear layer: the matrix W stays as it is, and the product of two thin
/// ones is added.
///
/// ```
/// y = x·Wᵀ + scaling · (x·Aᵀ)·Bᵀ          ΔW = scaling · B·A          scaling = α/r
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `W` | `[out, in]` | frozen |
/// | `A` | `[r, in]` | `lora_A` in checkpoints, begins random |
/// | `B` | `[out, r]` | `lora_B`, begins as zero, so that ΔW does |
/// | `x`, `y` | `[…, in]`, `[…, out]` | |
///
/// The gradients are dB = s·gᵀ(x·Aᵀ) and dA = s·Bᵀgᵀx: at the first step B = 0 lets only B move.
///
/// Hu et al. 2021, eq. 3, arXiv:2106.09685. Answer: `tuning/lora.md`.
public record Lora(Tensor a, Tensor b, double scaling) {

  /// @throws IllegalArgumentException if `a` and `b` are not `[r, in]` and `[out, r]`
  public Lora {
    if (a.rank() != 2 || b.rank() != 2 || a.size(0) != b.size(1))
      throw new IllegalArgumentException(
          "a and b must be [r, in] and [out, r], were %s and %s"
              .formatted(Arrays.toString(a.shape()), Arrays.toString(b.shape())));
    if (!Double.isFinite(scaling))
      throw new IllegalArgumentException("scaling must be a number, was " + scaling);
  }

  /// A random, B zero: an update that changes nothing yet. Both are parameters.
  ///
  /// @throws IllegalArgumentException if a size is not positive
  public static Lora initialise(LoraConfig config, int in, int out, RandomGenerator random) {
    if (in <= 0 || out <= 0)
      throw new IllegalArgumentException(
          "in and out must be positive, were %d and %d".formatted(in, out));
    int rank = config.rank();
    Tensor a =
        switch (config.initialisation()) {
          case KAIMING_UNIFORM -> {
            double bound = 1 / Math.sqrt(in);
            yield Tensor.uniform(-bound, bound, random, rank, in);
          }
          case GAUSSIAN -> Tensor.gaussian(random, rank, in).div(rank);
        };
    return new Lora(a.parameter(), Tensor.zeros(out, rank).parameter(), config.scaling());
  }

  /// What the update adds to the output for `x [..., in]`; two thin products, never ΔW itself.
  ///
  /// @throws IllegalArgumentException if the last axis of `x` is not `in` long
  public Tensor apply(Tensor x) {
    if (x.rank() == 0 || x.size(Tensor.LAST) != a.size(1))
      throw new IllegalArgumentException("x must have rows of " + a.size(1) + ", was " + x);
    return x.matmulTransposed(a).matmulTransposed(b).mul(scaling);
  }

  /// The same while training: each input of A is dropped with probability `dropout`, and the others
  /// are divided by 1 − dropout. W sees all of `x`.
  ///
  /// @throws IllegalArgumentException if `dropout` is not in [0, 1)
  public Tensor apply(Tensor x, double dropout, RandomGenerator random) {
    if (!(dropout >= 0 && dropout < 1))
      throw new IllegalArgumentException("dropout must be in [0, 1), was " + dropout);
    double[] mask = new double[x.count()];
    for (int i = 0; i < mask.length; i++)
      mask[i] = random.nextDouble() < dropout ? 0 : 1 / (1 - dropout);
    return apply(x.mul(Tensor.ofShared(mask, x.shape())));
  }

  /// The layer with the update beside it: x·Wᵀ + the update's share.
  public Tensor linear(Tensor x, Tensor weight) {
    return x.matmulTransposed(weight).add(apply(x));
  }

  /// ΔW = scaling·B·A, `[out, in]`, of rank r at most.
  public Tensor delta() {
    return b.matmul(a).mul(scaling);
  }

  /// W + ΔW: one matrix, which runs as fast as before.
  ///
  /// @throws IllegalArgumentException if `weight` is not `[out, in]`
  public Tensor merge(Tensor weight) {
    checkShape(weight);
    return weight.add(delta());
  }

  /// W from W + ΔW, but for rounding.
  ///
  /// @throws IllegalArgumentException if `merged` is not `[out, in]`
  public Tensor unmerge(Tensor merged) {
    checkShape(merged);
    return merged.sub(delta());
  }

  private void checkShape(Tensor weight) {
    if (weight.rank() != 2 || weight.size(0) != b.size(0) || weight.size(1) != a.size(1))
      throw new IllegalArgumentException(
          "weight must be [%d, %d], was %s"
              .formatted(b.size(0), a.size(1), Arrays.toString(weight.shape())));
  }

  /// r.
  public int rank() {
    return a.size(0);
  }

  /// r·(in + out): the numbers that are trained for one matrix.
  public static long parameterCount(int rank, int in, int out) {
    return (long) rank * ((long) in + out);
  }
}
