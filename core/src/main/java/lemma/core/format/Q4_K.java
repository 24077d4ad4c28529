package lemma.core.format;

import static lemma.core.format.BlockCodec.half;
import static lemma.core.format.BlockCodec.nearest;
import static lemma.core.format.BlockCodec.putByte;
import static lemma.core.format.BlockCodec.putHalf;
import static lemma.core.format.BlockCodec.unsigned;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// 256 weights in 144 bytes: eight runs of 32 with four bits for each weight, a scale and a minimum of
/// six bits for each run, and two float16 that scale those.
///
/// ```
/// w ≈ (d·sᵣ)·q − (dₘ·mᵣ)        r = 0 … 7: the run
/// [ d: float16 ][ dₘ: float16 ][ s, m: 16 × 6 bits ][ 4 × 32 bytes: runs 2i and 2i + 1 ]
/// ```
///
/// The scale and minimum of a run are searched ([AffineFit]), errors counting more where weights are
/// large. Then both are rounded to six bits and every q is found anew with what the block can say.
public record Q4_K() implements BlockCodec {
  private static final int RUN = 32;
  private static final int RUNS = 8;
  private static final int SCALES = 4; // bytes before the scales
  private static final int LEVELS = 16; // bytes before the levels

  @Override
  public int blockSize() {
    return 256;
  }

  @Override
  public int bytes() {
    return 144;
  }

  @Override
  public void quantise(float[] x, int from, MemorySegment to, long at) {
    AffineFit[] fits = new AffineFit[RUNS];
    float largestScale = 0;
    float largestMinimum = 0;
    for (int r = 0; r < RUNS; r++) {
      fits[r] = AffineFit.search(x, from + RUN * r, RUN, 15);
      largestScale = Math.max(largestScale, fits[r].scale());
      largestMinimum = Math.max(largestMinimum, fits[r].minimum());
    }
    putHalf(to, at, largestScale / 63);
    putHalf(to, at + 2, largestMinimum / 63);
    putScales(to, at + SCALES, fits, toSixBits(largestScale), toSixBits(largestMinimum));
    float d = half(to, at);
    float dMinimum = half(to, at + 2);
    Scales scales = Scales.of(to, at);
    for (int r = 0; r < RUNS; r++)
      round(x, from + RUN * r, d * scales.scale(r), dMinimum * scales.minimum(r), fits[r].levels());
    for (int r = 0; r < RUNS; r += 2)
      for (int j = 0; j < RUN; j++)
        putByte(
            to,
            at + LEVELS + RUN * (r / 2) + j,
            fits[r].levels()[j] | fits[r + 1].levels()[j] << 4);
  }

  /// What makes six bits of numbers up to `largest`.
  private static float toSixBits(float largest) {
    return largest > 0 ? 63 / largest : 0;
  }

  /// Sixteen numbers of six bits in twelve bytes: those of runs 0 to 3 in the low bits of bytes 0 to 7;
  /// of runs 4 to 7 the low four bits in bytes 8 to 11 and the upper two on top of bytes 0 to 7.
  private static void putScales(
      MemorySegment to, long at, AffineFit[] fits, float inverseScale, float inverseMinimum) {
    int[] scales = new int[RUNS];
    int[] minima = new int[RUNS];
    for (int r = 0; r < RUNS; r++) {
      scales[r] = nearest(inverseScale * fits[r].scale(), 0, 63);
      minima[r] = nearest(inverseMinimum * fits[r].minimum(), 0, 63);
    }
    for (int r = 0; r < 4; r++) {
      putByte(to, at + r, scales[r] | scales[r + 4] >> 4 << 6);
      putByte(to, at + 4 + r, minima[r] | minima[r + 4] >> 4 << 6);
      putByte(to, at + 8 + r, scales[r + 4] & 15 | (minima[r + 4] & 15) << 4);
    }
  }

  /// The nearest levels under the scale and minimum as they are stored. A run whose scale became 0
  /// keeps the levels of its search.
  private static void round(float[] x, int from, float scale, float minimum, int[] levels) {
    if (scale == 0) return;
    for (int j = 0; j < RUN; j++) levels[j] = nearest((x[from + j] + minimum) / scale, 0, 15);
  }

  /// The scales and minima of a block, sixteen numbers of six bits.
  ///
  /// @param first bytes 0 to 7
  /// @param last bytes 8 to 11
  public record Scales(long first, int last) {
    private static final ValueLayout.OfLong LONG =
        ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
        ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// Those of the block that begins at byte `at`.
    public static Scales of(MemorySegment bytes, long at) {
      return new Scales(bytes.get(LONG, at + SCALES), bytes.get(INT, at + SCALES + 8));
    }

    /// sᵣ
    public int scale(int r) {
      return sixBits(r, 0);
    }

    /// mᵣ
    public int minimum(int r) {
      return sixBits(r, 4);
    }

    /// `which` is 0 for scales and 4 for minima.
    private int sixBits(int r, int which) {
      if (r < 4) return (int) (first >>> 8 * (which + r)) & 63;
      int low = last >>> 8 * (r - 4) + which & 15;
      int high = (int) (first >>> 8 * (which + r - 4) + 6) & 3;
      return low | high << 4;
    }
  }

  @Override
  public void dequantise(MemorySegment bytes, long at, float[] to, int offset) {
    float d = half(bytes, at);
    float dMinimum = half(bytes, at + 2);
    Scales scales = Scales.of(bytes, at);
    for (int r = 0; r < RUNS; r++) {
      float scale = d * scales.scale(r);
      float minimum = dMinimum * scales.minimum(r);
      long levels = at + LEVELS + RUN * (r / 2);
      int shift = 4 * (r % 2);
      for (int j = 0; j < RUN; j++)
        to[offset + RUN * r + j] = scale * (unsigned(bytes, levels + j) >> shift & 15) - minimum;
    }
  }
}
