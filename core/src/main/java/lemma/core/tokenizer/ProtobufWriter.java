package lemma.core.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/// Writes the fields of a protobuf message, as [ProtobufReader] reads them.
final class ProtobufWriter {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  ProtobufWriter integer(int field, int value) {
    key(field, 0);
    varint(value); // a negative one takes ten bytes
    return this;
  }

  ProtobufWriter flag(int field, boolean value) {
    return integer(field, value ? 1 : 0);
  }

  ProtobufWriter number(int field, float value) {
    key(field, 5);
    int bits = Float.floatToRawIntBits(value);
    for (int shift = 0; shift < Integer.SIZE; shift += 8) out.write(bits >>> shift);
    return this;
  }

  ProtobufWriter bytes(int field, byte[] value) {
    key(field, 2);
    varint(value.length);
    out.writeBytes(value);
    return this;
  }

  ProtobufWriter text(int field, String value) {
    return bytes(field, value.getBytes(StandardCharsets.UTF_8));
  }

  ProtobufWriter message(int field, ProtobufWriter value) {
    return bytes(field, value.toBytes());
  }

  byte[] toBytes() {
    return out.toByteArray();
  }

  private void key(int field, int wireType) {
    varint((long) field << 3 | wireType);
  }

  private void varint(long value) {
    for (; (value & ~0x7FL) != 0; value >>>= 7) out.write((int) (value & 0x7F | 0x80));
    out.write((int) value);
  }
}
