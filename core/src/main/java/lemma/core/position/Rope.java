package lemma.core.position;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Rotary position embedding: each pair of channels is a point of the plane, turned by an angle
/// that is proportional to the position.
///
/// ```
/// θᵢ = base^(−2i/rotaryDim)                        i < rotaryDim/2
/// ⎛ yₐ ⎞   ⎛ cos mθᵢ  −sin mθᵢ ⎞ ⎛ xₐ ⎞
/// ⎝ yᵦ ⎠ = ⎝ sin mθᵢ   cos mθᵢ ⎠ ⎝ xᵦ ⎠            at position m, for pair i = (a, b)
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, `y` | `[…, time, headDim]` | queries or keys, never values |
/// | `m` | `[time]` | positions |
/// | `θ` | `[rotaryDim/2]` | [frequencies][#frequencies()] after [RopeScaling] |
///
/// It is applied to q and to k **in every layer**, after their projections; ⟨R_m q, R_n k⟩ then
/// depends on n − m alone. Channels from `rotaryDim` on pass through. If the scaling has an
/// attention factor, `y` is multiplied by it (scores by its square).
///
/// Su et al. 2021, eq. 15 and 34, arXiv:2104.09864. Answer: `position/rope.md`.
public record Rope(int headDim, int rotaryDim, double base, Layout layout, RopeScaling scaling) {

  /// Which two channels make pair i. Checkpoints are trained for one of the two: with the other,
  /// nothing fails and every score is wrong.
  public enum Layout {
    /// Channels i and i + rotaryDim/2: Hugging Face checkpoints, GPT-NeoX.
    HALVES,
    /// Channels 2i and 2i + 1: the paper, Meta's own Llama files, GPT-J, FLUX.
    INTERLEAVED
  }

  /// @throws IllegalArgumentException if a size is odd or not positive, `rotaryDim` is larger than
  ///     `headDim`, `base` is not a positive number, or the scaling does not fit them
  public Rope {
    if (headDim <= 0 || headDim % 2 != 0)
      throw new IllegalArgumentException("headDim must be even and positive, was " + headDim);
    if (rotaryDim <= 0 || rotaryDim % 2 != 0 || rotaryDim > headDim)
      throw new IllegalArgumentException(
          "rotaryDim must be even and in 2 … headDim %d, was %d".formatted(headDim, rotaryDim));
    if (!(base > 0) || Double.isInfinite(base))
      throw new IllegalArgumentException("base must be positive, was " + base);
    scaling.frequencies(rotaryDim, base);
  }

  /// All channels rotated, unscaled, in the layout of Hugging Face checkpoints.
  public static Rope llama(int headDim, double base) {
    return new Rope(headDim, headDim, base, Layout.HALVES, new RopeScaling.None());
  }

  /// The angle of each pair for one step of position, in radians: `[rotaryDim/2]`.
  public double[] frequencies() {
    return scaling.frequencies(rotaryDim, base);
  }

  /// Rotates row t of `x [..., time, headDim]` by the angles of `positions[t]`.
  ///
  /// @throws IllegalArgumentException if `x` has other sizes
  public Tensor apply(Tensor x, int... positions) {
    if (x.rank() < 2 || x.size(LAST) != headDim || x.size(-2) != positions.length)
      throw new IllegalArgumentException(
          "x must be [..., %d, %d] for %d positions, was %s"
              .formatted(positions.length, headDim, positions.length, x));
    Tensor angles = angles(positions); // [time, pairs]
    Tensor cos = angles.cos().mul(scaling.attentionFactor());
    Tensor sin = angles.sin().mul(scaling.attentionFactor());
    Tensor rotated =
        switch (layout) {
          case HALVES -> {
            Tensor a = x.slice(LAST, 0, rotaryDim / 2);
            Tensor b = x.slice(LAST, rotaryDim / 2, rotaryDim);
            yield Tensor.concat(LAST, a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin)));
          }
          case INTERLEAVED -> {
            int[] shape = x.shape();
            shape[shape.length - 1] = rotaryDim;
            int[] pairs = Arrays.copyOf(shape, shape.length + 1);
            pairs[shape.length - 1] = rotaryDim / 2;
            pairs[shape.length] = 2; // [..., time, pair, which]
            Tensor points = x.slice(LAST, 0, rotaryDim).reshape(pairs);
            Tensor a = points.select(LAST, 0);
            Tensor b = points.select(LAST, 1);
            yield Tensor.stack(shape.length, a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin)))
                .reshape(shape);
          }
        };
    return rotaryDim == headDim
        ? rotated
        : Tensor.concat(LAST, rotated, x.slice(LAST, rotaryDim, headDim));
  }

  /// positions[t]·θᵢ, `[time, rotaryDim/2]`.
  private Tensor angles(int[] positions) {
    double[] frequencies = frequencies();
    int pairs = frequencies.length;
    double[] angles = new double[Math.multiplyExact(positions.length, pairs)];
    for (int t = 0; t < positions.length; t++)
      for (int i = 0; i < pairs; i++) angles[t * pairs + i] = positions[t] * frequencies[i];
    return Tensor.ofShared(angles, positions.length, pairs);
  }

  /// Where the channels of an interleaved head stand in halves: 0, 2, 4, …, 1, 3, 5, …, then the
  /// channels that are not rotated.
  ///
  /// Channel c of the head in halves is channel `halvesOrder()[c]` of the interleaved one.
  public int[] halvesOrder() {
    int[] order = new int[headDim];
    int half = rotaryDim / 2;
    for (int c = 0; c < headDim; c++)
      order[c] = c < half ? 2 * c : c < rotaryDim ? 2 * (c - half) + 1 : c;
    return order;
  }

  /// The projection `[heads·headDim, …]` of q or k (or its bias) of a model in the interleaved
  /// layout as one for halves: within each head, rows in [#halvesOrder()]. The scores stay the
  /// same.
  ///
  /// @throws IllegalArgumentException if the rows are no multiple of `headDim`
  public Tensor toHalves(Tensor weight) {
    return reorder(weight, halvesOrder());
  }

  /// The inverse of [#toHalves].
  ///
  /// @throws IllegalArgumentException if the rows are no multiple of `headDim`
  public Tensor toInterleaved(Tensor weight) {
    int[] inverse = new int[headDim];
    int[] order = halvesOrder();
    for (int c = 0; c < headDim; c++) inverse[order[c]] = c;
    return reorder(weight, inverse);
  }

  private Tensor reorder(Tensor weight, int[] order) {
    if (weight.rank() == 0 || weight.size(0) % headDim != 0)
      throw new IllegalArgumentException(
          "weight must have heads·%d rows, was %s".formatted(headDim, weight));
    int[] rows = new int[weight.size(0)];
    for (int row = 0; row < rows.length; row++)
      rows[row] = row / headDim * headDim + order[row % headDim];
    return weight.rows(rows);
  }

  /// The expected score of a random vector with itself, `distance` apart, relative to distance 0:
  /// the mean of cos(distance·θᵢ) over the pairs. It falls with the distance, with ripples.
  public double expectedScore(int distance) {
    return Arrays.stream(frequencies())
        .map(theta -> Math.cos(distance * theta))
        .average()
        .orElseThrow();
  }
}
