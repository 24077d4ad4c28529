package lemma.core.format;

import static lemma.core.format.BlockCodec.half;
import static lemma.core.format.BlockCodec.inverse;
import static lemma.core.format.BlockCodec.putByte;
import static lemma.core.format.BlockCodec.putHalf;
import static lemma.core.format.BlockCodec.unsigned;

import java.lang.foreign.MemorySegment;

/// 32 weights in 18 bytes: one scale, and four bits for each weight.
///
/// ```
/// d = w* / −8, w* the weight of largest magnitude        q = min(15, ⌊w/d + 8.5⌋)
/// w ≈ d·(q − 8)                                          [ d: float16 ][ 16 × (q₍ⱼ₊₁₆₎·16 + qⱼ) ]
/// ```
///
/// Four bits hold −8 to 7, one more below 0 than above. The sign of d sends the largest weight to
/// −8, so that it is kept exactly; one as large on the other side becomes 7 and loses an eighth.
record Q4_0() implements BlockCodec {
  @Override
  public int blockSize() {
    return 32;
  }

  @Override
  public int bytes() {
    return 18;
  }

  @Override
  public void quantise(float[] x, int from, MemorySegment to, long at) {
    float extreme = 0;
    for (int j = 0; j < 32; j++)
      if (Math.abs(x[from + j]) > Math.abs(extreme)) extreme = x[from + j];
    float d = extreme / -8;
    putHalf(to, at, d);
    float inverse = inverse(d);
    for (int j = 0; j < 16; j++)
      putByte(
          to, at + 2 + j, level(x[from + j] * inverse) | level(x[from + 16 + j] * inverse) << 4);
  }

  private static int level(float x) {
    return Math.clamp((long) (x + 8.5f), 0, 15);
  }

  @Override
  public void dequantise(MemorySegment bytes, long at, float[] to, int offset) {
    float d = half(bytes, at);
    for (int j = 0; j < 16; j++) {
      int pair = unsigned(bytes, at + 2 + j);
      to[offset + j] = ((pair & 15) - 8) * d;
      to[offset + 16 + j] = ((pair >> 4) - 8) * d;
    }
  }
}
