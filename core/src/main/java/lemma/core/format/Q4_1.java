package lemma.core.format;

import static lemma.core.format.BlockCodec.half;
import static lemma.core.format.BlockCodec.inverse;
import static lemma.core.format.BlockCodec.putByte;
import static lemma.core.format.BlockCodec.putHalf;
import static lemma.core.format.BlockCodec.unsigned;

import java.lang.foreign.MemorySegment;

/// 32 weights in 20 bytes: a scale, the smallest weight, and four bits for each.
///
/// ```
/// m = min w        d = (max w − m) / 15        q = ⌊(w − m)/d + ½⌋        w ≈ d·q + m
/// [ d: float16 ][ m: float16 ][ 16 × (q₍ⱼ₊₁₆₎·16 + qⱼ) ]
/// ```
record Q4_1() implements BlockCodec {
  @Override
  public int blockSize() {
    return 32;
  }

  @Override
  public int bytes() {
    return 20;
  }

  @Override
  public void quantise(float[] x, int from, MemorySegment to, long at) {
    float least = x[from];
    float most = x[from];
    for (int j = 1; j < 32; j++) {
      least = Math.min(least, x[from + j]);
      most = Math.max(most, x[from + j]);
    }
    float d = (most - least) / 15;
    putHalf(to, at, d);
    putHalf(to, at + 2, least);
    float inverse = inverse(d);
    for (int j = 0; j < 16; j++) {
      int low = level((x[from + j] - least) * inverse);
      int high = level((x[from + 16 + j] - least) * inverse);
      putByte(to, at + 4 + j, low | high << 4);
    }
  }

  private static int level(float x) {
    return Math.clamp((long) (x + 0.5f), 0, 15);
  }

  @Override
  public void dequantise(MemorySegment bytes, long at, float[] to, int offset) {
    float d = half(bytes, at);
    float m = half(bytes, at + 2);
    for (int j = 0; j < 16; j++) {
      int pair = unsigned(bytes, at + 4 + j);
      to[offset + j] = (pair & 15) * d + m;
      to[offset + 16 + j] = (pair >> 4) * d + m;
    }
  }
}
