package lemma.core.format;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.LongUnaryOperator;

/// A tensor that is about to be written: its elements are asked for piece by piece, so that a file
/// larger than memory can be converted.
public record TensorSource(String name, ElementType type, long[] shape, Pieces pieces) {
  /// A multiple of every block, small beside the heap.
  private static final long PIECE = 1 << 18;

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /// The little-endian bytes of `count` elements from element `from` on, both whole blocks.
  @FunctionalInterface
  public interface Pieces {
    MemorySegment of(long from, long count);
  }

  /// A stored tensor as it is.
  public static TensorSource of(StoredTensor tensor) {
    ElementType type = tensor.type();
    return new TensorSource(
        tensor.name(),
        type,
        tensor.shape(),
        (from, count) -> tensor.bytes().asSlice(type.byteSize(from), type.byteSize(count)));
  }

  public long count() {
    return StoredTensor.count(shape);
  }

  public long byteSize() {
    return type.byteSize(count());
  }

  public TensorSource named(String other) {
    return new TensorSource(other, type, shape, pieces);
  }

  /// The same bytes as another shape.
  ///
  /// @throws IllegalArgumentException if it has more or fewer elements
  public TensorSource shaped(long... other) {
    if (StoredTensor.count(other) != count())
      throw new IllegalArgumentException(
          name + " has " + count() + " elements, not as many as asked for");
    return new TensorSource(name, type, other, pieces);
  }

  /// Tensors of one shape and type behind one another, as one with an axis more.
  ///
  /// @throws IllegalArgumentException if there is none, or shapes or types differ
  public static TensorSource stacked(String name, List<TensorSource> parts) {
    TensorSource first = parts.get(0);
    for (TensorSource part : parts)
      if (part.type != first.type || !Arrays.equals(part.shape, first.shape))
        throw new IllegalArgumentException(
            "%s and %s have not the same shape and type".formatted(first.name, part.name));
    long[] shape = new long[first.shape.length + 1];
    shape[0] = parts.size();
    System.arraycopy(first.shape, 0, shape, 1, first.shape.length);
    return new TensorSource(
        name,
        first.type,
        shape,
        (from, count) -> {
          var piece = MemorySegment.ofArray(new byte[Math.toIntExact(first.type.byteSize(count))]);
          long each = first.count();
          for (long at = from; at < from + count; ) {
            long within = at % each;
            long length = Math.min(each - within, from + count - at);
            MemorySegment elements = parts.get((int) (at / each)).pieces.of(within, length);
            MemorySegment.copy(
                elements, 0, piece, first.type.byteSize(at - from), elements.byteSize());
            at += length;
          }
          return piece;
        });
  }

  /// Tells `listener` of each piece how many elements it has.
  public TensorSource observed(LongConsumer listener) {
    return new TensorSource(
        name,
        type,
        shape,
        (from, count) -> {
          listener.accept(count);
          return pieces.of(from, count);
        });
  }

  /// The rows of this matrix, or the elements of this vector, in another order: row `i` becomes what was
  /// row `source(i)`. Whole rows move, whatever their elements are.
  public TensorSource rows(LongUnaryOperator source) {
    long columns = shape.length < 2 ? 1 : shape[shape.length - 1];
    return new TensorSource(
        name,
        type,
        shape,
        (from, count) -> {
          MemorySegment piece =
              MemorySegment.ofArray(new byte[Math.toIntExact(type.byteSize(count))]);
          for (long at = from; at < from + count; ) {
            long within = at % columns;
            long length = Math.min(columns - within, from + count - at);
            long row = source.applyAsLong(at / columns);
            MemorySegment elements = pieces.of(row * columns + within, length);
            MemorySegment.copy(elements, 0, piece, type.byteSize(at - from), elements.byteSize());
            at += length;
          }
          return piece;
        });
  }

  /// The same numbers as another type, rounded to the nearest that it has.
  ///
  /// Writing refuses a number that the type cannot hold at all.
  ///
  /// @throws IllegalArgumentException if this or the other type holds no floating-point numbers, or
  ///     rows are no whole number of blocks
  public TensorSource as(ElementType other) {
    if (other == type) return this;
    long row = shape.length == 0 ? 1 : shape[shape.length - 1];
    if (!holdsNumbers(type) || !holdsNumbers(other) || row % other.blockSize() != 0)
      throw new IllegalArgumentException(
          "%s of type %s with rows of %d cannot be stored as %s".formatted(name, type, row, other));
    return new TensorSource(
        name, other, shape, (from, count) -> encoded(floats(from, count), other));
  }

  /// Whether elements are floating-point numbers, in blocks or not.
  public static boolean holdsNumbers(ElementType type) {
    return type == ElementType.F64
        || type.floatFormat().isPresent()
        || type.blockFormat().isPresent();
  }

  private float[] floats(long from, long count) {
    var piece = new StoredTensor(name, type, new long[] {count}, pieces.of(from, count));
    if (type != ElementType.F64) return piece.toFloats();
    double[] wide = piece.toDoubles();
    float[] narrow = new float[wide.length];
    for (int i = 0; i < wide.length; i++) narrow[i] = finite(wide[i], (float) wide[i]);
    return narrow;
  }

  private MemorySegment encoded(float[] x, ElementType other) {
    var bytes = MemorySegment.ofArray(new byte[Math.toIntExact(other.byteSize(x.length))]);
    if (other.blockFormat().isPresent()) {
      try {
        other.blockFormat().get().quantise(x, 0, x.length, bytes, 0);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("tensor " + name + ": " + e.getMessage(), e);
      }
      return bytes;
    }
    FloatFormat format =
        other
            .floatFormat()
            .orElseThrow(() -> new IllegalArgumentException("cannot store as " + other));
    for (int i = 0; i < x.length; i++) {
      int bits = format.narrow(x[i]);
      finite(x[i], format.widen(bits));
      if (format == FloatFormat.F32) bytes.set(FLOAT, 4L * i, Float.intBitsToFloat(bits));
      else bytes.set(SHORT, 2L * i, (short) bits);
    }
    return bytes;
  }

  private float finite(double from, float to) {
    if (Float.isInfinite(to) && !Double.isInfinite(from))
      throw new IllegalArgumentException(
          "tensor %s holds %s, which is too large for the new type".formatted(name, from));
    return to;
  }

  /// Writes all elements in a byte order.
  void writeTo(FileChannel channel, ByteOrder order) throws IOException {
    long count = count();
    for (long from = 0; from < count; from += PIECE) {
      MemorySegment piece = pieces.of(from, Math.min(PIECE, count - from));
      FileReplacement.writeFully(
          channel, order == ByteOrder.LITTLE_ENDIAN ? piece : ByteSwap.swapped(piece, type));
    }
  }
}
