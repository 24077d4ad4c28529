package lemma.core.format;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

/// Reads values of a GGUF header; an array is checked to its end and left where it lies.
final class GgufDecoder {
  private static final int DEEPEST = 16;
  private static final int LONGEST_ARRAY = Integer.MAX_VALUE - 8;

  private final ByteCursor cursor;
  private final ByteOrder order;

  GgufDecoder(ByteCursor cursor, ByteOrder order) {
    this.cursor = cursor;
    this.order = order;
  }

  /// @throws FormatException if the number stands for no type
  GgufValue.Type type(String what) {
    long id = cursor.u32(what);
    GgufValue.Type[] types = GgufValue.Type.values();
    if (id >= types.length) throw cursor.bad(what + " has unknown type " + id);
    return types[(int) id];
  }

  String text(String what) {
    return cursor.text(cursor.i64(what), what);
  }

  GgufValue value(GgufValue.Type type, String what) {
    return switch (type) {
      case UINT8 -> new GgufValue.Whole(type, cursor.u8(what));
      case INT8 -> new GgufValue.Whole(type, (byte) cursor.u8(what));
      case UINT16 -> new GgufValue.Whole(type, cursor.u16(what));
      case INT16 -> new GgufValue.Whole(type, (short) cursor.u16(what));
      case UINT32 -> new GgufValue.Whole(type, cursor.u32(what));
      case INT32 -> new GgufValue.Whole(type, cursor.i32(what));
      case UINT64, INT64 -> new GgufValue.Whole(type, cursor.i64(what));
      case FLOAT32 -> new GgufValue.Real(type, Float.intBitsToFloat(cursor.i32(what)));
      case FLOAT64 -> new GgufValue.Real(type, Double.longBitsToDouble(cursor.i64(what)));
      case BOOL -> new GgufValue.Flag(flag(what));
      case STRING -> new GgufValue.Text(text(what));
      case ARRAY -> array(what);
    };
  }

  private boolean flag(String what) {
    int flag = cursor.u8(what);
    if (flag > 1) throw cursor.bad("%s must be 0 or 1, was %d".formatted(what, flag));
    return flag == 1;
  }

  private GgufValue.Array array(String what) {
    GgufValue.Type elementType = type(what);
    int size = (int) cursor.size(LONGEST_ARRAY, what);
    MemorySegment rest = cursor.rest();
    long from = cursor.position();
    pass(elementType, size, what, 1);
    return new GgufValue.Array(elementType, size, rest.asSlice(0, cursor.position() - from), order);
  }

  /// Goes past the elements of an array without keeping any.
  private void pass(GgufValue.Type elementType, int size, String what, int depth) {
    if (depth > DEEPEST) throw cursor.bad(what + " is nested deeper than " + DEEPEST);
    switch (elementType) {
      case BOOL -> {
        for (int i = 0; i < size; i++) flag(what);
      }
      case STRING -> {
        for (int i = 0; i < size; i++)
          if (!ByteCursor.isUtf8(cursor.slice(cursor.i64(what), what)))
            throw cursor.bad("%s [%d] is not UTF-8".formatted(what, i));
      }
      case ARRAY -> {
        for (int i = 0; i < size; i++)
          pass(type(what), (int) cursor.size(LONGEST_ARRAY, what), what, depth + 1);
      }
      default -> cursor.slice((long) size * elementType.bytes(), what);
    }
  }
}
