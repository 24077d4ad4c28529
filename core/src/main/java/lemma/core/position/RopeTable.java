package lemma.core.position;

/// cos(mθᵢ) and sin(mθᵢ) of a [Rope] for positions below `length`, as floats: angles are computed
/// in double, once, and serve every head of every layer.
///
/// ```
/// HALVES       cos[m·width + i] = cos mθᵢ    sin[m·width + i] = sin mθᵢ    width = rotaryDim/2
/// INTERLEAVED  cos = c₀ c₀ c₁ c₁ …           sin = −s₀ s₀ −s₁ s₁ …         width = rotaryDim
/// ```
///
/// The interleaved rows repeat each pair, with its signs, so that lanes need no second shuffle. The
/// attention factor of the scaling is multiplied in. Nobody writes to the arrays after `of`.
public final class RopeTable {
  final Rope rope;
  final int length;
  final int width;
  final float[] cos;
  final float[] sin;

  private RopeTable(Rope rope, int length, int width) {
    this.rope = rope;
    this.length = length;
    this.width = width;
    cos = new float[length * width];
    sin = new float[length * width];
  }

  /// Tables for positions 0 … length − 1.
  ///
  /// @throws IllegalArgumentException if `length` is not positive or the table too large for arrays
  public static RopeTable of(Rope rope, int length) {
    boolean halves = rope.layout() == Rope.Layout.HALVES;
    int width = halves ? rope.rotaryDim() / 2 : rope.rotaryDim();
    if (length <= 0 || (long) length * width > Integer.MAX_VALUE - 8)
      throw new IllegalArgumentException(
          "length must be in 1 … %d, was %d".formatted((Integer.MAX_VALUE - 8) / width, length));
    RopeTable table = new RopeTable(rope, length, width);
    double[] frequencies = rope.frequencies();
    double factor = rope.scaling().attentionFactor();
    for (int m = 0; m < length; m++)
      for (int i = 0; i < frequencies.length; i++) {
        float cos = (float) (factor * Math.cos(m * frequencies[i]));
        float sin = (float) (factor * Math.sin(m * frequencies[i]));
        if (halves) table.set(m * width + i, cos, sin);
        else {
          table.set(m * width + 2 * i, cos, -sin);
          table.set(m * width + 2 * i + 1, cos, sin);
        }
      }
    return table;
  }

  private void set(int at, float cosine, float sine) {
    cos[at] = cosine;
    sin[at] = sine;
  }

  public Rope rope() {
    return rope;
  }

  /// The number of positions that the table serves.
  public int length() {
    return length;
  }
}
