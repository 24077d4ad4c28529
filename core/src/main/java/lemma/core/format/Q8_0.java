package lemma.core.format;

import static lemma.core.format.BlockCodec.half;
import static lemma.core.format.BlockCodec.inverse;
import static lemma.core.format.BlockCodec.putByte;
import static lemma.core.format.BlockCodec.putHalf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// 32 weights in 34 bytes: one scale, and a byte for each weight.
///
/// ```
/// d = max|w| / 127        q = round(w/d), halves away from 0        w ≈ d·q
/// [ d: float16 ][ q: 32 × int8 ]
/// ```
///
/// q is found with d as a float32, before it is narrowed.
record Q8_0() implements BlockCodec {
  @Override
  public int blockSize() {
    return 32;
  }

  @Override
  public int bytes() {
    return 34;
  }

  @Override
  public void quantise(float[] x, int from, MemorySegment to, long at) {
    float largest = 0;
    for (int j = 0; j < 32; j++) largest = Math.max(largest, Math.abs(x[from + j]));
    float d = largest / 127;
    putHalf(to, at, d);
    float inverse = inverse(d);
    for (int j = 0; j < 32; j++) putByte(to, at + 2 + j, round(x[from + j] * inverse));
  }

  /// Halves away from 0. In double, where adding a half to a float is exact.
  private static int round(float x) {
    return Math.clamp((long) (x + Math.copySign(0.5, x)), -127, 127);
  }

  @Override
  public void dequantise(MemorySegment bytes, long at, float[] to, int offset) {
    float d = half(bytes, at);
    for (int j = 0; j < 32; j++) to[offset + j] = bytes.get(ValueLayout.JAVA_BYTE, at + 2 + j) * d;
  }
}
