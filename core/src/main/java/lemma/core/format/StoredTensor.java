package lemma.core.format;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/// A tensor as it lies in a file: its elements are little-endian, row-major, and read where they are.
/// The blocks of a quantised type lie along the last axis.
///
/// The shape's array and the bytes are shared, not copied.
public record StoredTensor(String name, ElementType type, long[] shape, MemorySegment bytes) {
  private static final long TILE = 32;
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfDouble DOUBLE = JAVA_DOUBLE_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfFloat FLOAT = JAVA_FLOAT_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfShort SHORT = JAVA_SHORT_UNALIGNED.withOrder(ORDER);

  /// @throws IllegalArgumentException if a size is negative, the last axis is no whole number of
  ///     blocks, or the bytes are not as many as the shape needs
  public StoredTensor {
    long count = count(shape);
    long row = shape.length == 0 ? 1 : shape[shape.length - 1];
    if (count < 0
        || count > Long.MAX_VALUE / 8
        || row % type.blockSize() != 0
        || type.byteSize(count) != bytes.byteSize())
      throw new IllegalArgumentException(
          "%s %s %s does not fit into %d bytes"
              .formatted(name, type, Arrays.toString(shape), bytes.byteSize()));
  }

  /// Numbers narrowed to a format.
  ///
  /// @throws IllegalArgumentException if the shape needs more or fewer
  public static StoredTensor of(String name, double[] data, int[] shape, FloatFormat format) {
    byte[] bytes = new byte[Math.multiplyExact(data.length, format.bytes())];
    MemorySegment segment = MemorySegment.ofArray(bytes);
    for (int i = 0; i < data.length; i++) {
      int bits = format.narrow((float) data[i]);
      if (format == FloatFormat.F32) segment.set(FLOAT, 4L * i, Float.intBitsToFloat(bits));
      else segment.set(SHORT, 2L * i, (short) bits);
    }
    long[] sizes = Arrays.stream(shape).asLongStream().toArray();
    return new StoredTensor(name, ElementType.valueOf(format.name()), sizes, segment);
  }

  /// Numbers quantised to a format of blocks.
  ///
  /// @throws IllegalArgumentException if the shape needs more or fewer, or its last axis is no whole
  ///     number of blocks
  public static StoredTensor of(String name, double[] data, int[] shape, BlockFormat format) {
    float[] narrow = new float[data.length];
    for (int i = 0; i < data.length; i++) narrow[i] = (float) data[i];
    byte[] bytes = new byte[Math.toIntExact(format.byteSize(data.length))];
    format.quantise(narrow, 0, data.length, MemorySegment.ofArray(bytes), 0);
    long[] sizes = Arrays.stream(shape).asLongStream().toArray();
    return new StoredTensor(
        name, ElementType.valueOf(format.name()), sizes, MemorySegment.ofArray(bytes));
  }

  /// The number of elements of a shape, or −1 if a size is negative or the number does not fit.
  static long count(long[] shape) {
    long count = 1;
    boolean empty = false;
    for (long size : shape) {
      if (size < 0) return -1;
      empty |= size == 0;
    }
    if (empty) return 0;
    for (long size : shape) {
      if (count > Long.MAX_VALUE / size) return -1;
      count *= size;
    }
    return count;
  }

  /// The number of elements.
  public long count() {
    return count(shape);
  }

  /// Slices `from` to `to`, not included, of the first axis: the same bytes, no copy.
  ///
  /// @throws IllegalArgumentException if there are no such slices, or only one axis of blocks
  public StoredTensor slices(long from, long to) {
    if (shape.length == 0 || from < 0 || from > to || to > shape[0])
      throw new IllegalArgumentException("%s has no slices %d to %d".formatted(this, from, to));
    long[] part = shape.clone();
    part[0] = to - from;
    long each = shape[0] == 0 ? 0 : bytes.byteSize() / shape[0];
    return new StoredTensor(name, type, part, bytes.asSlice(from * each, (to - from) * each));
  }

  /// Slice `index` of the first axis, without that axis.
  ///
  /// @throws IllegalArgumentException as [#slices] says
  public StoredTensor slice(long index) {
    StoredTensor one = slices(index, index + 1);
    long[] inner = Arrays.copyOfRange(shape, 1, shape.length);
    return new StoredTensor(name, type, inner, one.bytes);
  }

  /// A copy of a matrix with rows and columns exchanged, outside of the heap.
  ///
  /// @throws IllegalArgumentException if it is no matrix, or its elements lie in blocks
  public StoredTensor transposed() {
    if (shape.length != 2 || type.blockSize() != 1)
      throw new IllegalArgumentException(this + " is no matrix that can be transposed");
    MemorySegment to = Arena.ofAuto().allocate(bytes.byteSize(), 64);
    for (long top = 0; top < shape[0]; top += TILE) // a tile of both stays in the cache
    for (long left = 0; left < shape[1]; left += TILE)
        for (long i = top; i < Math.min(shape[0], top + TILE); i++)
          for (long j = left; j < Math.min(shape[1], left + TILE); j++)
            move(i * shape[1] + j, to, j * shape[0] + i);
    return new StoredTensor(name, type, new long[] {shape[1], shape[0]}, to);
  }

  private void move(long from, MemorySegment to, long at) {
    int size = (int) type.byteSize(1);
    if (size == 4) to.set(JAVA_INT_UNALIGNED, 4 * at, bytes.get(JAVA_INT_UNALIGNED, 4 * from));
    else if (size == 2)
      to.set(JAVA_SHORT_UNALIGNED, 2 * at, bytes.get(JAVA_SHORT_UNALIGNED, 2 * from));
    else MemorySegment.copy(bytes, size * from, to, size * at, size);
  }

  /// The elements, widened to doubles.
  ///
  /// @throws IllegalArgumentException if they are not floating-point numbers of 16 to 64 bits or
  ///     quantised in blocks, or too many for an array
  public double[] toDoubles() {
    double[] data = new double[arrayLength()];
    if (type == ElementType.F64) {
      for (int i = 0; i < data.length; i++) data[i] = bytes.get(DOUBLE, 8L * i);
    } else if (type.blockFormat().isPresent()) {
      float[] decoded = toFloats();
      for (int i = 0; i < data.length; i++) data[i] = decoded[i];
    } else {
      for (int i = 0; i < data.length; i++) data[i] = at(i);
    }
    return data;
  }

  /// The elements, widened to floats.
  ///
  /// @throws IllegalArgumentException if they are not floating-point numbers of 16 or 32 bits or
  ///     quantised in blocks, or too many for an array
  public float[] toFloats() {
    float[] data = new float[arrayLength()];
    if (type.blockFormat().isPresent())
      type.blockFormat().get().dequantise(bytes, 0, data, 0, data.length);
    else for (int i = 0; i < data.length; i++) data[i] = at(i);
    return data;
  }

  private int arrayLength() {
    long count = count();
    if (count > Integer.MAX_VALUE - 8)
      throw new IllegalArgumentException(this + " is too large for an array");
    return (int) count;
  }

  private float at(long i) {
    return switch (type) {
      case F32 -> bytes.get(FLOAT, 4 * i);
      case F16 -> FloatFormat.F16.widen(bytes.get(SHORT, 2 * i));
      case BF16 -> FloatFormat.BF16.widen(bytes.get(SHORT, 2 * i));
      default ->
          throw new IllegalArgumentException(this + " does not hold floats of 16 or 32 bits");
    };
  }

  /// Name, type and shape.
  @Override
  public String toString() {
    return name + " " + type + " " + Arrays.toString(shape);
  }
}
