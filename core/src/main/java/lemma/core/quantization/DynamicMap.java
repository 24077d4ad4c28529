package lemma.core.quantization;

import java.util.Arrays;

/// 256 values from −1 to 1 whose spacing grows with their size: a float of eight bits whose exponent
/// takes as many bits as it needs and leaves the rest to the fraction.
///
/// ```
/// ±10^(e−6) · (middles of 2ᵉ equal parts of 0.1 … 1)        e = 0 … 6,  and 0, and 1
/// ```
///
/// Dettmers 2016, section 2.1, arXiv:1511.04561 ("dynamic tree"), as in bitsandbytes.
final class DynamicMap {
  private static final float[] VALUES = values();

  private DynamicMap() {}

  private static float[] values() {
    float[] values = new float[256];
    int at = 0;
    for (int e = 0; e < 7; e++) {
      int parts = 1 << e;
      for (int i = 0; i < parts; i++) {
        double middle = 0.1 + 0.9 * (i + 0.5) / parts;
        values[at++] = (float) (Math.pow(10, e - 6) * middle);
        values[at++] = (float) (-Math.pow(10, e - 6) * middle);
      }
    }
    values[at++] = 0;
    values[at] = 1;
    Arrays.sort(values);
    return values;
  }

  static float value(int level) {
    return VALUES[level];
  }

  static int nearest(float x) {
    return Codebook.nearest(VALUES, x);
  }
}
