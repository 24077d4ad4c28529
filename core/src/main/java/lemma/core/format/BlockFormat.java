package lemma.core.format;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// A quantised format of GGUF files: a row is cut into blocks, and a block holds small integers and
/// the scales that turn them back into weights.
///
/// ```
/// w = d·q             Q8_0, Q4_0, Q6_K: one scale for a run of weights
/// w = d·q − m         Q4_1, Q4_K: and an offset, for runs that lie to one side of 0
/// ```
///
/// | format | weights in a block | bytes | bits for a weight | integers |
/// |---|---|---|---|---|
/// | `Q8_0` | 32 | 34 | 8.5 | 8 bits |
/// | `Q6_K` | 256 | 210 | 6.5625 | 6 bits, 16 runs of 16 |
/// | `Q4_1` | 32 | 20 | 5 | 4 bits |
/// | `Q4_K` | 256 | 144 | 4.5 | 4 bits, 8 runs of 32 |
/// | `Q4_0` | 32 | 18 | 4.5 | 4 bits |
///
/// Arithmetic is float32 in the order of the reference, ggml's `ggml-quants.c`, so that blocks and
/// values are the same bit by bit. All numbers are little-endian.
///
/// Answer: `quantization/gguf-quants.md`.
public enum BlockFormat {
  Q4_0(new Q4_0()),
  Q4_1(new Q4_1()),
  Q8_0(new Q8_0()),
  Q4_K(new Q4_K()),
  Q6_K(new Q6_K());

  /// Far beyond what a scale can hold; its square is a float.
  private static final float LARGEST = 1e9f;

  private final BlockCodec codec;

  BlockFormat(BlockCodec codec) {
    this.codec = codec;
  }

  /// Weights in one block.
  public int blockSize() {
    return codec.blockSize();
  }

  /// Bytes of one block.
  public int bytes() {
    return codec.bytes();
  }

  /// Bits that one weight takes, its share of the scales included.
  public double bitsPerWeight() {
    return 8.0 * bytes() / blockSize();
  }

  /// Bytes of so many weights.
  ///
  /// @throws IllegalArgumentException if they are no whole number of blocks
  public long byteSize(long elements) {
    if (elements < 0 || elements % blockSize() != 0)
      throw new IllegalArgumentException(
          "elements of %s must be a multiple of %d, were %d"
              .formatted(this, blockSize(), elements));
    return Math.multiplyExact(elements / blockSize(), bytes());
  }

  /// Encodes `x[from … from + count)` into the bytes from `at` on.
  ///
  /// @throws IllegalArgumentException if `count` is no multiple of the block, or a weight is not
  ///     finite or too large for a scale in half precision
  /// @throws IndexOutOfBoundsException if `x` or `to` is too short
  public void quantise(float[] x, int from, int count, MemorySegment to, long at) {
    Objects.checkFromIndexSize(from, count, x.length);
    Objects.checkFromIndexSize(at, byteSize(count), to.byteSize());
    for (int i = from; i < from + count; i++)
      if (!(Math.abs(x[i]) <= LARGEST))
        throw new IllegalArgumentException(
            "x[%d] is too large or no number: %s".formatted(i, x[i]));
    for (int i = 0; i < count; i += blockSize(), at += bytes()) codec.quantise(x, from + i, to, at);
  }

  /// Decodes the bytes from `at` on into `to[offset … offset + count)`.
  ///
  /// @throws IllegalArgumentException if `count` is no multiple of the block
  /// @throws IndexOutOfBoundsException if `bytes` or `to` is too short
  public void dequantise(MemorySegment bytes, long at, float[] to, int offset, int count) {
    Objects.checkFromIndexSize(offset, count, to.length);
    Objects.checkFromIndexSize(at, byteSize(count), bytes.byteSize());
    for (int i = 0; i < count; i += blockSize(), at += bytes())
      codec.dequantise(bytes, at, to, offset + i);
  }
}
