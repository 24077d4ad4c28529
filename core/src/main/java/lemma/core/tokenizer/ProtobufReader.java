package lemma.core.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import lemma.core.format.FormatException;

/// The fields of a protobuf message, one by one, read with suspicion.
///
/// ```
/// message = (key value)*,  key = number · 8 + wire type,  numbers 7 bits a byte, the low ones first
/// ```
///
/// Nothing is copied before its length was found to fit. An unknown field is skipped by not asking
/// for its value.
final class ProtobufReader {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;
  private static final int LONGEST_VARINT = 10;

  private final Path file;
  private final ByteBuffer buffer;
  private int field;
  private int wireType;
  private long number; // of the field's value, if it is one
  private ByteBuffer bytes = ByteBuffer.allocate(0);

  ProtobufReader(Path file, byte[] message) {
    this(file, ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN));
  }

  private ProtobufReader(Path file, ByteBuffer buffer) {
    this.file = file;
    this.buffer = buffer;
  }

  /// Moves to the next field.
  ///
  /// @return false at the end of the message
  boolean next() {
    if (!buffer.hasRemaining()) return false;
    long key = varint();
    wireType = (int) (key & 7);
    if (key >>> 3 == 0 || key >>> 3 >= 1L << 29)
      throw damaged("a field has the number " + (key >>> 3));
    field = (int) (key >>> 3);
    switch (wireType) {
      case VARINT -> number = varint();
      case FIXED64 -> {
        require(Long.BYTES);
        number = buffer.getLong();
      }
      case FIXED32 -> {
        require(Integer.BYTES);
        number = buffer.getInt();
      }
      case BYTES -> {
        long length = varint();
        require(length);
        bytes = buffer.slice(buffer.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
        buffer.position(buffer.position() + (int) length);
      }
      default -> throw damaged("field %d has wire type %d".formatted(field, wireType));
    }
    return true;
  }

  private long varint() {
    long value = 0;
    for (int i = 0; i < LONGEST_VARINT; i++) {
      require(1);
      byte next = buffer.get();
      value |= (long) (next & 0x7F) << 7 * i;
      if (next >= 0) return value;
    }
    throw damaged("a number has more than %d bytes".formatted(LONGEST_VARINT));
  }

  private void require(long length) {
    if (length < 0 || length > buffer.remaining())
      throw damaged(
          "ends in the middle: %d bytes left of %d".formatted(buffer.remaining(), length));
  }

  /// The number of the field that stands at.
  int field() {
    return field;
  }

  int integer() {
    expect(VARINT);
    return (int) number;
  }

  boolean flag() {
    expect(VARINT);
    return number != 0;
  }

  float number() {
    expect(FIXED32);
    return Float.intBitsToFloat((int) number);
  }

  byte[] bytes() {
    expect(BYTES);
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    return copy;
  }

  /// @throws FormatException if the bytes are not UTF-8
  String text() {
    expect(BYTES);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes.duplicate()).toString();
    } catch (CharacterCodingException e) {
      throw new FormatException(file, "field %d is not UTF-8".formatted(field), e);
    }
  }

  ProtobufReader message() {
    expect(BYTES);
    return new ProtobufReader(file, bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN));
  }

  private void expect(int type) {
    if (wireType != type)
      throw damaged("field %d has wire type %d, expected %d".formatted(field, wireType, type));
  }

  FormatException damaged(String problem) {
    return new FormatException(file, problem);
  }
}
