package lemma.core.quantization;

/// The scales of blocks: as they are, or quantised a second time.
///
/// The arrays are shared, not copied. Answer: `quantization/nf4.md`.
public sealed interface BlockScales {
  /// How many there are.
  int blocks();

  /// The scale of block `b`.
  float get(int b);

  /// Bytes that they take.
  long bytes();

  /// Four bytes each.
  record Plain(float[] absmax) implements BlockScales {
    @Override
    public int blocks() {
      return absmax.length;
    }

    @Override
    public float get(int b) {
      return absmax[b];
    }

    @Override
    public long bytes() {
      return 4L * absmax.length;
    }
  }

  /// One byte each: their mean is taken away, and what is left is quantised in blocks of 256.
  ///
  /// ```
  /// a ≈ map[k]·A + offset        offset = mean(a),  A = max|a − offset| in the block of 256
  /// ```
  ///
  /// Scales are positive and close together; without their mean the map's sign bit has a use.
  ///
  /// Dettmers et al. 2023, section 3, "double quantization", arXiv:2305.14314.
  record DoubleQuantised(byte[] levels, float[] absmax, float offset) implements BlockScales {
    /// Scales that share one scale.
    public static final int BLOCK = 256;

    /// @throws IllegalArgumentException if the parts do not belong together
    public DoubleQuantised {
      if (absmax.length != Math.ceilDiv(levels.length, BLOCK))
        throw new IllegalArgumentException(
            "%d scales cannot have %d scales of their own".formatted(levels.length, absmax.length));
    }

    static DoubleQuantised of(float[] scales) {
      double sum = 0;
      for (float scale : scales) sum += scale;
      float offset = scales.length == 0 ? 0 : (float) (sum / scales.length);
      float[] absmax = new float[Math.ceilDiv(scales.length, BLOCK)];
      for (int b = 0; b < scales.length; b++)
        absmax[b / BLOCK] = Math.max(absmax[b / BLOCK], Math.abs(scales[b] - offset));
      byte[] levels = new byte[scales.length];
      for (int b = 0; b < scales.length; b++) {
        float largest = absmax[b / BLOCK];
        levels[b] = (byte) DynamicMap.nearest(largest > 0 ? (scales[b] - offset) / largest : 0);
      }
      return new DoubleQuantised(levels, absmax, offset);
    }

    @Override
    public int blocks() {
      return levels.length;
    }

    @Override
    public float get(int b) {
      return DynamicMap.value(levels[b] & 0xFF) * absmax[b / BLOCK] + offset;
    }

    @Override
    public long bytes() {
      return levels.length + 4L * absmax.length + 4;
    }
  }
}
