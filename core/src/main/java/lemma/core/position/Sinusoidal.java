package lemma.core.position;

import lemma.core.tensor.Tensor;

/// Sinusoidal position embedding: each pair of channels is a hand of a clock, and position p is the
/// time that the clocks show; it is added to the token's embedding.
///
/// ```
/// θᵢ = base^(−2i/dim)                                        i < dim/2
/// PE[p, 2i] = sin pθᵢ      PE[p, 2i + 1] = cos pθᵢ           interleaved
/// PE[p, i]  = sin pθᵢ      PE[p, dim/2 + i] = cos pθᵢ        concatenated
/// ```
///
/// sin and cos of (p + k)θ are a rotation of those of pθ by kθ: PE(p + k) = [M_k][#shift] · PE(p)
/// with one matrix for every p. Nothing is learned and nothing ends: any position has a row.
///
/// Vaswani et al. 2017, section 3.5, arXiv:1706.03762. Answer: `position/sinusoidal.md`.
///
/// @param dim width of the embedding
/// @param layout where the sine and the cosine of a pair stand
/// @param spacing how slow the slowest pair is
/// @param base 10 000 everywhere
public record Sinusoidal(int dim, Layout layout, Spacing spacing, double base) {

  /// Which channels make pair i. Trained weights fit one of the two.
  public enum Layout {
    /// Channels 2i and 2i + 1: the paper.
    INTERLEAVED,
    /// Channels i and i + dim/2: tensor2tensor, fairseq, DDPM.
    CONCATENATED
  }

  /// The exponent of the base in pair i.
  public enum Spacing {
    /// i / (dim/2): the paper. The slowest frequency is one step faster than 1/base.
    HALF,
    /// i / (dim/2 − 1): tensor2tensor, fairseq, DDPM. The slowest frequency is 1/base.
    HALF_MINUS_ONE
  }

  /// @throws IllegalArgumentException if `dim` is odd or not positive, or 2 with
  ///     [Spacing#HALF_MINUS_ONE], or `base` is not a positive number
  public Sinusoidal {
    if (dim <= 0 || dim % 2 != 0)
      throw new IllegalArgumentException("dim must be even and positive, was " + dim);
    if (dim == 2 && spacing == Spacing.HALF_MINUS_ONE)
      throw new IllegalArgumentException("dim must be 4 or more for HALF_MINUS_ONE, was 2");
    if (!(base > 0) || Double.isInfinite(base))
      throw new IllegalArgumentException("base must be positive, was " + base);
  }

  /// As in the paper.
  public static Sinusoidal of(int dim) {
    return new Sinusoidal(dim, Layout.INTERLEAVED, Spacing.HALF, 10_000);
  }

  /// The angle of each pair for one step of position, in radians: `[dim/2]`.
  public double[] frequencies() {
    double[] frequencies = new double[dim / 2];
    int steps = spacing == Spacing.HALF ? dim / 2 : dim / 2 - 1;
    for (int i = 0; i < frequencies.length; i++)
      frequencies[i] = Math.pow(base, -(double) i / steps);
    return frequencies;
  }

  /// The embeddings `[positions, dim]`, a row for each of `positions`.
  public Tensor apply(int... positions) {
    double[] frequencies = frequencies();
    double[] rows = new double[Math.multiplyExact(positions.length, dim)];
    for (int t = 0; t < positions.length; t++)
      for (int i = 0; i < frequencies.length; i++) {
        double angle = positions[t] * frequencies[i];
        rows[t * dim + sine(i)] = Math.sin(angle);
        rows[t * dim + cosine(i)] = Math.cos(angle);
      }
    return Tensor.ofShared(rows, positions.length, dim);
  }

  /// M_k `[dim, dim]` with PE(p + k) = M_k · PE(p) for every p: each pair turned by k·θᵢ.
  public Tensor shift(int k) {
    double[] frequencies = frequencies();
    double[] matrix = new double[Math.multiplyExact(dim, dim)];
    for (int i = 0; i < frequencies.length; i++) {
      double cos = Math.cos(k * frequencies[i]);
      double sin = Math.sin(k * frequencies[i]);
      matrix[sine(i) * dim + sine(i)] = cos;
      matrix[sine(i) * dim + cosine(i)] = sin;
      matrix[cosine(i) * dim + sine(i)] = -sin;
      matrix[cosine(i) * dim + cosine(i)] = cos;
    }
    return Tensor.ofShared(matrix, dim, dim);
  }

  private int sine(int pair) {
    return layout == Layout.INTERLEAVED ? 2 * pair : pair;
  }

  private int cosine(int pair) {
    return layout == Layout.INTERLEAVED ? 2 * pair + 1 : dim / 2 + pair;
  }
}
