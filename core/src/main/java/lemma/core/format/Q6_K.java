package lemma.core.format;

import static lemma.core.format.BlockCodec.half;
import static lemma.core.format.BlockCodec.nearest;
import static lemma.core.format.BlockCodec.putByte;
import static lemma.core.format.BlockCodec.putHalf;
import static lemma.core.format.BlockCodec.unsigned;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// 256 weights in 210 bytes: sixteen runs of 16 with six bits for each weight, a signed scale of
/// eight bits for each run, and one float16 that scales those.
///
/// ```
/// w ≈ (d·sᵣ)·(q − 32)        r = 0 … 15: the run
/// [ low four bits: 128 bytes ][ upper two bits: 64 bytes ][ s: 16 × int8 ][ d: float16 ]
/// ```
///
/// In each half of 128 weights, byte l of the low bits belongs to weights l and l + 64, and byte l of
/// the upper bits to weights l, l + 32, l + 64 and l + 96.
record Q6_K() implements BlockCodec {
  private static final int RUN = 16;
  private static final int RUNS = 16;
  private static final int UPPER = 128; // bytes before the upper bits
  private static final int SCALES = 192;
  private static final int SCALE = 208;

  @Override
  public int blockSize() {
    return 256;
  }

  @Override
  public int bytes() {
    return 210;
  }

  @Override
  public void quantise(float[] x, int from, MemorySegment to, long at) {
    ScaleFit[] fits = new ScaleFit[RUNS];
    float extreme = 0;
    for (int r = 0; r < RUNS; r++) {
      fits[r] = ScaleFit.search(x, from + RUN * r, RUN, 32);
      if (Math.abs(fits[r].scale()) > Math.abs(extreme)) extreme = fits[r].scale();
    }
    if (Math.abs(extreme) < ScaleFit.NOTHING) {
      to.asSlice(at, bytes()).fill((byte) 0);
      return;
    }
    float inverse = -128 / extreme; // the largest scale becomes −128
    putHalf(to, at + SCALE, 1 / inverse);
    int[] levels = new int[256];
    for (int r = 0; r < RUNS; r++) {
      putByte(to, at + SCALES + r, nearest(inverse * fits[r].scale(), -128, 127));
      round(x, from + RUN * r, scale(to, at, r), fits[r].levels());
      System.arraycopy(fits[r].levels(), 0, levels, RUN * r, RUN);
    }
    putLevels(to, at, levels);
  }

  /// The nearest levels under the scale as it is stored. A run whose scale became 0 keeps the levels
  /// of its search.
  private static void round(float[] x, int from, float scale, int[] levels) {
    if (scale == 0) return;
    for (int j = 0; j < RUN; j++) levels[j] = nearest(x[from + j] / scale, -32, 31) + 32;
  }

  private static void putLevels(MemorySegment to, long at, int[] levels) {
    for (int part = 0; part < 2; part++)
      for (int l = 0; l < 32; l++) {
        int upper = 0;
        for (int quarter = 0; quarter < 4; quarter++)
          upper |= levels[128 * part + 32 * quarter + l] >> 4 << 2 * quarter;
        putByte(to, at + UPPER + 32 * part + l, upper);
        for (int odd = 0; odd < 2; odd++) {
          int first = levels[128 * part + 32 * odd + l] & 15;
          int second = levels[128 * part + 32 * odd + 64 + l] & 15;
          putByte(to, at + 64 * part + 32 * odd + l, first | second << 4);
        }
      }
  }

  private static float scale(MemorySegment bytes, long at, int r) {
    return half(bytes, at + SCALE) * bytes.get(ValueLayout.JAVA_BYTE, at + SCALES + r);
  }

  @Override
  public void dequantise(MemorySegment bytes, long at, float[] to, int offset) {
    for (int r = 0; r < RUNS; r++) {
      int part = r / 8;
      int quarter = r / 2 % 4;
      int first = RUN * (r % 2);
      long low = at + 64 * part + 32 * (quarter % 2) + first;
      long upper = at + UPPER + 32 * part + first;
      float scale = scale(bytes, at, r);
      for (int j = 0; j < RUN; j++) {
        int level =
            unsigned(bytes, low + j) >> 4 * (quarter / 2) & 15
                | (unsigned(bytes, upper + j) >> 2 * quarter & 3) << 4;
        to[offset + RUN * r + j] = scale * (level - 32);
      }
    }
  }
}
