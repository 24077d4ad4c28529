package lemma.core.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import lemma.core.format.BlockFormat;
import lemma.core.format.ElementType;
import lemma.core.format.FloatFormat;
import lemma.core.format.StoredTensor;

/// A matrix of weights where it lies in memory or in a mapped file: row-major, little-endian, floats
/// or quantised in blocks along the rows.
public record WeightMatrix(MemorySegment bytes, ElementType type, int rows, int columns) {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /// @throws IllegalArgumentException if the type is neither a [FloatFormat] nor a [BlockFormat], the
  ///     columns are no whole number of blocks, or the bytes are not as many as the sizes need
  public WeightMatrix {
    if (type.floatFormat().isEmpty() && type.blockFormat().isEmpty())
      throw new IllegalArgumentException("type must be f32, f16, bf16 or quantised, was " + type);
    if (rows < 0
        || columns < 0
        || columns % type.blockSize() != 0
        || bytes.byteSize() != type.byteSize((long) rows * columns))
      throw new IllegalArgumentException(
          "%d bytes cannot hold %s [%d, %d]".formatted(bytes.byteSize(), type, rows, columns));
  }

  /// A stored matrix, or a stored vector as one row.
  ///
  /// @throws IllegalArgumentException if it has another rank or a type that is no weight's
  public static WeightMatrix of(StoredTensor tensor) {
    long[] shape = tensor.shape();
    if (shape.length < 1 || shape.length > 2)
      throw new IllegalArgumentException(tensor + " is no matrix");
    int rows = shape.length == 1 ? 1 : Math.toIntExact(shape[0]);
    int columns = Math.toIntExact(shape[shape.length - 1]);
    return new WeightMatrix(tensor.bytes(), tensor.type(), rows, columns);
  }

  /// Bytes of one row.
  public long rowBytes() {
    return type.byteSize(columns);
  }

  /// The element in row `i` and column `j`. Of a quantised matrix a block is decoded for it: loops ask
  /// for a [#row].
  public float get(int i, int j) {
    long at = (long) i * columns + j;
    return switch (type) {
      case F32 -> bytes.get(FLOAT, 4 * at);
      case F16 -> FloatFormat.F16.widen(bytes.get(SHORT, 2 * at));
      case BF16 -> FloatFormat.BF16.widen(bytes.get(SHORT, 2 * at));
      default -> {
        int size = type.blockSize();
        float[] block = new float[size];
        decode(i * rowBytes() + type.byteSize(j - j % size), block, 0, size);
        yield block[j % size];
      }
    };
  }

  /// Row `i`, widened or decoded into `to`.
  public void row(int i, float[] to, int from) {
    switch (type) {
      case F32 -> MemorySegment.copy(bytes, FLOAT, i * rowBytes(), to, from, columns);
      case F16, BF16 -> {
        for (int j = 0; j < columns; j++) to[from + j] = get(i, j);
      }
      default -> decode(i * rowBytes(), to, from, columns);
    }
  }

  private void decode(long at, float[] to, int from, int count) {
    type.blockFormat().orElseThrow().dequantise(bytes, at, to, from, count);
  }
}
