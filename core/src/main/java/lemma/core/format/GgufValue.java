package lemma.core.format;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/// A value of a GGUF file's metadata: one of thirteen types, stored with the number of its type.
public sealed interface GgufValue {
  Type type();

  /// The types; the ordinal is the number in the file.
  enum Type {
    UINT8(1),
    INT8(1),
    UINT16(2),
    INT16(2),
    UINT32(4),
    INT32(4),
    FLOAT32(4),
    BOOL(1),
    STRING(0),
    ARRAY(0),
    UINT64(8),
    INT64(8),
    FLOAT64(8);

    private final int bytes;

    Type(int bytes) {
      this.bytes = bytes;
    }

    /// Bytes of a value, or 0 if they differ from value to value.
    int bytes() {
      return bytes;
    }

    boolean isInteger() {
      return switch (this) {
        case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> false;
        default -> true;
      };
    }

    boolean isReal() {
      return this == FLOAT32 || this == FLOAT64;
    }
  }

  /// An integer; one of 64 bits without sign is negative here if it is 2⁶³ or more.
  record Whole(Type type, long value) implements GgufValue {
    /// @throws IllegalArgumentException if the type does not hold the value
    public Whole {
      if (!type.isInteger()) throw new IllegalArgumentException(type + " is no integer type");
      int unused = 64 - 8 * type.bytes();
      boolean signed = type.name().startsWith("INT");
      long kept = signed ? value << unused >> unused : value << unused >>> unused;
      if (kept != value) throw new IllegalArgumentException(type + " cannot hold " + value);
    }

    @Override
    public String toString() {
      return type == Type.UINT64 ? Long.toUnsignedString(value) : Long.toString(value);
    }
  }

  /// A floating-point number.
  record Real(Type type, double value) implements GgufValue {
    public Real {
      if (!type.isReal()) throw new IllegalArgumentException(type + " is no type of real numbers");
    }

    @Override
    public String toString() {
      return type == Type.FLOAT32 ? Float.toString((float) value) : Double.toString(value);
    }
  }

  record Flag(boolean value) implements GgufValue {
    @Override
    public Type type() {
      return Type.BOOL;
    }

    @Override
    public String toString() {
      return Boolean.toString(value);
    }
  }

  record Text(String value) implements GgufValue {
    @Override
    public Type type() {
      return Type.STRING;
    }

    @Override
    public String toString() {
      return value;
    }
  }

  /// Values of one type, left where they lie and decoded when asked for: a vocabulary may have a
  /// million of them. An array of arrays holds the type, count and values of each.
  record Array(Type elementType, int size, MemorySegment bytes, ByteOrder order)
      implements GgufValue {

    /// Values of one type, in little-endian bytes.
    ///
    /// @throws IllegalArgumentException if a value is of another type
    public static Array of(Type elementType, List<? extends GgufValue> values) {
      var encoder = new GgufEncoder(ByteOrder.LITTLE_ENDIAN);
      for (GgufValue value : values) {
        if (value.type() != elementType)
          throw new IllegalArgumentException(
              "values must be " + elementType + ", one was " + value.type());
        encoder.value(value);
      }
      MemorySegment bytes = MemorySegment.ofArray(encoder.toByteArray());
      return new Array(elementType, values.size(), bytes, ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public Type type() {
      return Type.ARRAY;
    }

    /// All values; takes some tens of bytes for each.
    public List<GgufValue> values() {
      return first(size);
    }

    /// The first values, at most `count`.
    public List<GgufValue> first(int count) {
      var decoder = new GgufDecoder(new ByteCursor(Path.of("metadata"), bytes, order, 0), order);
      List<GgufValue> values = new ArrayList<>(Math.min(count, size));
      for (int i = 0; i < Math.min(count, size); i++)
        values.add(decoder.value(elementType, "array"));
      return values;
    }

    /// Equal if the values are, whatever the byte order.
    @Override
    public boolean equals(Object other) {
      return other instanceof Array array
          && elementType == array.elementType
          && size == array.size
          && values().equals(array.values());
    }

    @Override
    public int hashCode() {
      return Objects.hash(elementType, size);
    }

    @Override
    public String toString() {
      return size + " × " + elementType;
    }
  }

  static GgufValue of(String text) {
    return new Text(text);
  }

  static GgufValue of(boolean flag) {
    return new Flag(flag);
  }

  /// An integer of 32 bits without sign, which is what sizes and token ids are stored as.
  static GgufValue ofUint32(long value) {
    return new Whole(Type.UINT32, value);
  }

  static GgufValue ofFloat32(double value) {
    return new Real(Type.FLOAT32, (float) value);
  }

  static GgufValue ofInt32s(int... values) {
    return Array.of(
        Type.INT32, Arrays.stream(values).mapToObj(value -> new Whole(Type.INT32, value)).toList());
  }

  static GgufValue ofTexts(List<String> texts) {
    return Array.of(Type.STRING, texts.stream().map(Text::new).toList());
  }
}
