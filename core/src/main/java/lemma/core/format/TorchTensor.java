package lemma.core.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.file.Path;

/// A view of a storage, as PyTorch saves a tensor: where its first element is, and how far it is from
/// one index to the next along each axis.
public record TorchTensor(
    ElementType type,
    MemorySegment storage,
    ByteOrder order,
    long offset,
    long[] shape,
    long[] strides) {

  /// @throws IllegalArgumentException if an element would lie outside of the storage
  public TorchTensor {
    if (shape.length != strides.length)
      throw new IllegalArgumentException(
          "has %d sizes and %d strides".formatted(shape.length, strides.length));
    long count = StoredTensor.count(shape);
    long elements = storage.byteSize() / type.byteSize(1);
    if (count < 0 || count > Long.MAX_VALUE / 8)
      throw new IllegalArgumentException("has more elements than can be counted");
    if (offset < 0 || offset > elements)
      throw new IllegalArgumentException("begins at element %d of %d".formatted(offset, elements));
    long last = offset;
    for (int axis = 0; axis < shape.length && count > 0; axis++) {
      long room = elements - 1 - last;
      long steps = shape[axis] - 1;
      if (strides[axis] < 0 || steps > 0 && strides[axis] > room / steps)
        throw new IllegalArgumentException(
            "steps out of its storage of %d elements along axis %d".formatted(elements, axis));
      last += steps * strides[axis];
    }
    if (count > 0 && last >= elements)
      throw new IllegalArgumentException(
          "has its last element at %d of %d".formatted(last, elements));
  }

  /// Bytes of the elements, once each.
  long byteSize() {
    return type.byteSize(StoredTensor.count(shape));
  }

  /// Whether the elements lie in row-major order without gaps.
  boolean isContiguous() {
    if (StoredTensor.count(shape) == 0) return true;
    long expected = 1;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      if (shape[axis] != 1 && strides[axis] != expected) return false;
      expected *= shape[axis];
    }
    return true;
  }

  /// The elements in row-major, little-endian order: where they lie, or else copied.
  ///
  /// @throws FormatException if a copy would take more bytes than the storage has
  StoredTensor stored(Path file, String name) {
    MemorySegment bytes;
    if (isContiguous()) {
      long from = byteSize() == 0 ? 0 : type.byteSize(offset);
      bytes = storage.asSlice(from, byteSize());
    } else {
      if (byteSize() > storage.byteSize())
        throw new FormatException(
            file,
            "tensor %s repeats the elements of its storage: %d bytes from %d"
                .formatted(name, byteSize(), storage.byteSize()));
      bytes = gathered();
    }
    if (order == ByteOrder.BIG_ENDIAN) bytes = ByteSwap.swapped(bytes, type);
    return new StoredTensor(name, type, shape, bytes);
  }

  private MemorySegment gathered() {
    long width = type.byteSize(1);
    MemorySegment copy = Arena.ofAuto().allocate(byteSize(), 8);
    long[] index = new long[shape.length];
    long from = offset;
    for (long to = 0; to < copy.byteSize(); to += width) {
      MemorySegment.copy(storage, from * width, copy, to, width);
      for (int axis = shape.length - 1; axis >= 0; axis--) { // the next index, as an odometer turns
        from += strides[axis];
        if (++index[axis] < shape[axis]) break;
        from -= shape[axis] * strides[axis];
        index[axis] = 0;
      }
    }
    return copy;
  }
}
