package lemma.core.quantization;

/// Four bits for a weight: the nearest of 16 values at the quantiles of a normal distribution, times
/// the largest magnitude of its block.
///
/// ```
/// w ≈ c[q]·a_b        a_b = max|w| in block b        q = argminₖ |c[k] − w/a_b|
/// ```
///
/// Weights of a trained layer are about normal with mean 0. Levels at the quantiles are used equally
/// often, where the equal steps of int4 are crowded at 0 and hardly used at the ends. There are eight
/// levels above 0 and seven below, and 0 itself is one.
///
/// Two weights share a byte, the first in its upper half. The arrays are shared, not copied.
///
/// Dettmers et al. 2023, section 3 and appendix E, arXiv:2305.14314. Answer: `quantization/nf4.md`.
public record Nf4(int count, int blockSize, byte[] packed, BlockScales scales) {
  private static final float[] CODEBOOK = {
    -1f, -0.6961928f, -0.52507305f, -0.3949175f, -0.28444138f, -0.18477343f, -0.091050036f, 0f,
    0.0795803f, 0.1609302f, 0.2461123f, 0.33791524f, 0.44070983f, 0.562617f, 0.72295684f, 1f
  };

  private static final int ZERO = 7; // the level of 0

  /// @throws IllegalArgumentException if `blockSize` is no positive number or the parts do not belong
  ///     together
  public Nf4 {
    if (blockSize <= 0)
      throw new IllegalArgumentException("blockSize must be positive, was " + blockSize);
    if (count < 0
        || packed.length != (count + 1L) / 2
        || scales.blocks() != blocks(count, blockSize))
      throw new IllegalArgumentException(
          "%d weights in blocks of %d do not have %d bytes and %d scales"
              .formatted(count, blockSize, packed.length, scales.blocks()));
  }

  /// The 16 values.
  public static float[] codebook() {
    return CODEBOOK.clone();
  }

  private static int blocks(int count, int blockSize) {
    return Math.ceilDiv(count, blockSize);
  }

  /// Quantises weights, the last block perhaps short, with float32 scales.
  ///
  /// @throws IllegalArgumentException if `blockSize` is not positive or a weight is not finite
  public static Nf4 quantise(float[] weights, int blockSize) {
    if (blockSize <= 0)
      throw new IllegalArgumentException("blockSize must be positive, was " + blockSize);
    float[] absmax = new float[blocks(weights.length, blockSize)];
    for (int i = 0; i < weights.length; i++) {
      if (!Float.isFinite(weights[i]))
        throw new IllegalArgumentException(
            "weights[%d] must be finite, was %s".formatted(i, weights[i]));
      absmax[i / blockSize] = Math.max(absmax[i / blockSize], Math.abs(weights[i]));
    }
    byte[] packed = new byte[Math.ceilDiv(weights.length, 2)];
    for (int i = 0; i < 2 * packed.length; i++) {
      int level = ZERO; // beside a last odd weight, and in a block of zeros
      if (i < weights.length && absmax[i / blockSize] > 0)
        level = Codebook.nearest(CODEBOOK, weights[i] / absmax[i / blockSize]);
      packed[i / 2] |= (byte) (i % 2 == 0 ? level << 4 : level);
    }
    return new Nf4(weights.length, blockSize, packed, new BlockScales.Plain(absmax));
  }

  /// The same weights with their scales quantised to eight bits, in blocks of 256.
  public Nf4 doubleQuantised() {
    float[] absmax = new float[scales.blocks()];
    for (int b = 0; b < absmax.length; b++) absmax[b] = scales.get(b);
    return new Nf4(count, blockSize, packed, BlockScales.DoubleQuantised.of(absmax));
  }

  /// The level of weight `i`, 0 to 15.
  public int level(int i) {
    int pair = packed[i / 2] & 0xFF;
    return i % 2 == 0 ? pair >> 4 : pair & 15;
  }

  public float[] dequantise() {
    float[] weights = new float[count];
    for (int i = 0; i < count; i++) weights[i] = CODEBOOK[level(i)] * scales.get(i / blockSize);
    return weights;
  }

  /// Bits that a weight takes in all.
  public double bitsPerWeight() {
    return 8.0 * (packed.length + scales.bytes()) / count;
  }
}
