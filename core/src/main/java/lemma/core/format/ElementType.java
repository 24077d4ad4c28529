package lemma.core.format;

import java.util.Optional;

/// The type of a stored tensor's elements, by its name in a safetensors header or, for the quantised
/// ones, in a GGUF file.
///
/// Elements lie one behind another, or in blocks of [#blockSize] that share their scales
/// ([BlockFormat]).
public enum ElementType {
  F64(64),
  F32(32),
  F16(16),
  BF16(16),
  F8_E5M2(8),
  F8_E4M3(8),
  I64(64),
  I32(32),
  I16(16),
  I8(8),
  U64(64),
  U32(32),
  U16(16),
  U8(8),
  BOOL(8),
  Q4_0(BlockFormat.Q4_0),
  Q4_1(BlockFormat.Q4_1),
  Q8_0(BlockFormat.Q8_0),
  Q4_K(BlockFormat.Q4_K),
  Q6_K(BlockFormat.Q6_K);

  private final int bits;
  private final Optional<BlockFormat> blockFormat;

  ElementType(int bits) {
    this.bits = bits;
    blockFormat = Optional.empty();
  }

  ElementType(BlockFormat format) {
    bits = 0; // counted by the block
    blockFormat = Optional.of(format);
  }

  /// Elements that are stored together: 1, or the block of a quantised type.
  public int blockSize() {
    return blockFormat.map(BlockFormat::blockSize).orElse(1);
  }

  /// Bytes of so many elements.
  ///
  /// @throws IllegalArgumentException if they are no whole number of blocks
  /// @throws ArithmeticException if the bytes are too many to be counted
  public long byteSize(long elements) {
    if (blockFormat.isPresent()) return blockFormat.get().byteSize(elements);
    if (elements < 0)
      throw new IllegalArgumentException("elements must be 0 or more, were " + elements);
    return Math.multiplyExact(elements, bits / 8);
  }

  /// The same as a [FloatFormat], if it is one.
  public Optional<FloatFormat> floatFormat() {
    return switch (this) {
      case F32 -> Optional.of(FloatFormat.F32);
      case F16 -> Optional.of(FloatFormat.F16);
      case BF16 -> Optional.of(FloatFormat.BF16);
      default -> Optional.empty();
    };
  }

  /// The same as a [BlockFormat], if it is one.
  public Optional<BlockFormat> blockFormat() {
    return blockFormat;
  }

  /// The type of this name in a safetensors header, which knows none with blocks.
  static Optional<ElementType> ofSafetensors(String name) {
    for (ElementType type : values())
      if (type.name().equals(name) && type.blockFormat.isEmpty()) return Optional.of(type);
    return Optional.empty();
  }
}
