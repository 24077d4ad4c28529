package lemma.core.format;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/// Bytes of a GGUF header, in one byte order.
final class GgufEncoder {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteOrder order;

  GgufEncoder(ByteOrder order) {
    this.order = order;
  }

  void raw(byte[] bytes) {
    out.writeBytes(bytes);
  }

  void u32(long value) {
    whole(value, 4);
  }

  void u64(long value) {
    whole(value, 8);
  }

  void text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    u64(utf8.length);
    raw(utf8);
  }

  /// A value without its type.
  void value(GgufValue value) {
    switch (value) {
      case GgufValue.Whole whole -> whole(whole.value(), whole.type().bytes());
      case GgufValue.Real real when real.type() == GgufValue.Type.FLOAT32 ->
          u32(Integer.toUnsignedLong(Float.floatToRawIntBits((float) real.value())));
      case GgufValue.Real real -> u64(Double.doubleToRawLongBits(real.value()));
      case GgufValue.Flag flag -> whole(flag.value() ? 1 : 0, 1);
      case GgufValue.Text text -> text(text.value());
      case GgufValue.Array array -> {
        u32(array.elementType().ordinal());
        u64(array.size());
        if (array.order() == order) raw(array.bytes().toArray(ValueLayout.JAVA_BYTE));
        else array.values().forEach(this::value);
      }
    }
  }

  private void whole(long value, int bytes) {
    byte[] eight = new byte[8];
    ByteBuffer.wrap(eight).order(order).putLong(value);
    out.write(eight, order == ByteOrder.LITTLE_ENDIAN ? 0 : 8 - bytes, bytes);
  }

  long size() {
    return out.size();
  }

  byte[] toByteArray() {
    return out.toByteArray();
  }
}
