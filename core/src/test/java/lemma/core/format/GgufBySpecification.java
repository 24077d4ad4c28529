package lemma.core.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A second reader of GGUF files, written from the specification and sharing nothing with the first:
/// it believes everything, copies everything, and notes where each section begins.
final class GgufBySpecification {
  record Tensor(long[] innermostFirst, int type, byte[] data) {}

  final Map<String, Long> sections = new LinkedHashMap<>();
  final Map<String, Object> metadata = new LinkedHashMap<>();
  final Map<String, Tensor> tensors = new LinkedHashMap<>();
  final int version;
  private final ByteBuffer in;

  private record Info(String name, long[] sizes, int type, long offset) {}

  GgufBySpecification(byte[] file, ByteOrder order) {
    in = ByteBuffer.wrap(file).order(order);
    section("magic");
    byte[] magic = new byte[4];
    in.get(magic);
    if (!new String(magic, StandardCharsets.US_ASCII).equals("GGUF"))
      throw new IllegalStateException("magic");
    section("version");
    version = in.getInt();
    section("tensor count");
    long tensorCount = in.getLong();
    section("metadata count");
    long metadataCount = in.getLong();
    section("metadata");
    for (long i = 0; i < metadataCount; i++) {
      String key = text();
      metadata.put(key, value(in.getInt()));
    }
    section("tensor infos");
    List<Info> infos = new ArrayList<>();
    for (long i = 0; i < tensorCount; i++) {
      String name = text();
      long[] sizes = new long[in.getInt()];
      for (int axis = 0; axis < sizes.length; axis++) sizes[axis] = in.getLong();
      infos.add(new Info(name, sizes, in.getInt(), in.getLong()));
    }
    section("padding");
    int alignment = ((Number) metadata.getOrDefault("general.alignment", 32)).intValue();
    while (in.position() % alignment != 0)
      if (in.get() != 0) throw new IllegalStateException("padding is not zero");
    section("data");
    int start = in.position();
    for (Info info : infos) {
      if (info.offset % alignment != 0) throw new IllegalStateException(info.name + " not aligned");
      int from = Math.toIntExact(start + info.offset);
      byte[] data = Arrays.copyOfRange(file, from, from + size(info));
      tensors.put(info.name, new Tensor(info.sizes, info.type, data));
    }
  }

  private void section(String name) {
    sections.put(name, (long) in.position());
  }

  private String text() {
    byte[] bytes = new byte[Math.toIntExact(in.getLong())];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private Object value(int type) {
    return switch (type) {
      case 0 -> in.get() & 0xFF;
      case 1 -> (int) in.get();
      case 2 -> in.getShort() & 0xFFFF;
      case 3 -> (int) in.getShort();
      case 4 -> in.getInt() & 0xFFFFFFFFL;
      case 5 -> in.getInt();
      case 6 -> in.getFloat();
      case 7 -> in.get() == 1;
      case 8 -> text();
      case 9 -> {
        int elementType = in.getInt();
        long count = in.getLong();
        List<Object> values = new ArrayList<>();
        for (long i = 0; i < count; i++) values.add(value(elementType));
        yield values;
      }
      case 10, 11 -> in.getLong();
      case 12 -> in.getDouble();
      default -> throw new IllegalStateException("type " + type);
    };
  }

  private static int size(Info info) {
    long count = Arrays.stream(info.sizes).reduce(1, (a, b) -> a * b);
    long bytes =
        switch (info.type) {
          case 0, 26 -> 4 * count;
          case 1, 30, 25 -> 2 * count;
          case 2 -> count / 32 * 18;
          case 3 -> count / 32 * 20;
          case 8 -> count / 32 * 34;
          case 12 -> count / 256 * 144;
          case 14 -> count / 256 * 210;
          case 24 -> count;
          case 27, 28 -> 8 * count;
          default -> throw new IllegalStateException("type " + info.type);
        };
    return Math.toIntExact(bytes);
  }
}
