package lemma.core.format;

import java.util.Optional;

/// The type of a stored tensor's elements, by its name in a safetensors header.
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
  BOOL(8);

  private final int bits;

  ElementType(int bits) {
    this.bits = bits;
  }

  /// Bytes of one element.
  public int bytes() {
    return bits / 8;
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

  static Optional<ElementType> named(String name) {
    for (ElementType type : values()) if (type.name().equals(name)) return Optional.of(type);
    return Optional.empty();
  }
}
