package lemma.core.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import lemma.core.format.FloatFormat;
import lemma.core.format.StoredTensor;

/// A matrix of weights where it lies in memory or in a mapped file: row-major, little-endian.
public record WeightMatrix(MemorySegment bytes, FloatFormat format, int rows, int columns) {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /// @throws IllegalArgumentException if the bytes are not as many as the sizes need
  public WeightMatrix {
    long wanted = (long) rows * columns * format.bytes();
    if (rows < 0 || columns < 0 || bytes.byteSize() != wanted)
      throw new IllegalArgumentException(
          "%d bytes cannot hold %s [%d, %d]".formatted(bytes.byteSize(), format, rows, columns));
  }

  /// A stored matrix, or a stored vector as one row.
  ///
  /// @throws IllegalArgumentException if it has another rank or does not hold floats
  public static WeightMatrix of(StoredTensor tensor) {
    long[] shape = tensor.shape();
    FloatFormat format = tensor.type().floatFormat().orElse(null);
    if (shape.length < 1 || shape.length > 2 || format == null)
      throw new IllegalArgumentException(tensor + " is no matrix of f32, f16 or bf16");
    int rows = shape.length == 1 ? 1 : Math.toIntExact(shape[0]);
    return new WeightMatrix(tensor.bytes(), format, rows, Math.toIntExact(shape[shape.length - 1]));
  }

  /// The element in row `i` and column `j`.
  public float get(int i, int j) {
    long at = (long) i * columns + j;
    return format == FloatFormat.F32
        ? bytes.get(FLOAT, 4 * at)
        : format.widen(bytes.get(SHORT, 2 * at));
  }

  /// Row `i`, widened into `to`.
  public void row(int i, float[] to, int from) {
    for (int j = 0; j < columns; j++) to[from + j] = get(i, j);
  }
}
