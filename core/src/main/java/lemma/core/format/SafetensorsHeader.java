package lemma.core.format;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/// Reads and checks the header of a [Safetensors] file, token by token.
final class SafetensorsHeader {
  private static final int MOST_AXES = 64;

  private final Path file;
  private final MemorySegment header;
  private final MemorySegment data;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private record Entry(String name, ElementType type, long[] shape, long from, long to) {}

  SafetensorsHeader(Path file, MemorySegment header, MemorySegment data) {
    this.file = file;
    this.header = header;
    this.data = data;
  }

  Safetensors read() throws IOException {
    if (header.byteSize() == 0 || header.get(ValueLayout.JAVA_BYTE, 0) != '{')
      throw bad("header must begin with {");
    var utf8 = StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT);
    var reader = new InputStreamReader(new SegmentStream(header), utf8);
    try (JsonParser json = JsonFile.STRICT.createParser(ObjectReadContext.empty(), reader)) {
      expect(json.nextToken(), JsonToken.START_OBJECT, "header");
      while (json.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = json.currentName();
        expect(json.nextToken(), JsonToken.START_OBJECT, name);
        if (name.equals("__metadata__")) readMetadata(json);
        else entries.put(name, readEntry(name, json));
      }
      if (json.nextToken() != null) throw bad("header goes on after its end");
    } catch (JacksonException e) {
      throw new FormatException(file, "header is not valid JSON: " + JsonFile.reason(e), e);
    }
    checkCover();
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (Entry entry : entries.values())
      tensors.put(
          entry.name,
          new StoredTensor(
              entry.name,
              entry.type,
              entry.shape,
              data.asSlice(entry.from, entry.to - entry.from)));
    return new Safetensors(file, tensors, metadata);
  }

  private void readMetadata(JsonParser json) {
    while (json.nextToken() == JsonToken.PROPERTY_NAME) {
      String key = json.currentName();
      expect(json.nextToken(), JsonToken.VALUE_STRING, "__metadata__ " + key);
      metadata.put(key, json.getString());
    }
  }

  private Entry readEntry(String name, JsonParser json) {
    ElementType type = null;
    long[] shape = null;
    long[] offsets = null;
    while (json.nextToken() == JsonToken.PROPERTY_NAME) {
      String key = json.currentName();
      JsonToken value = json.nextToken();
      switch (key) {
        case "dtype" -> {
          expect(value, JsonToken.VALUE_STRING, name + " dtype");
          String dtype = json.getString();
          type =
              ElementType.ofSafetensors(dtype)
                  .orElseThrow(() -> bad("tensor %s has unknown dtype %s".formatted(name, dtype)));
        }
        case "shape" -> shape = readSizes(name + " shape", value, json);
        case "data_offsets" -> offsets = readSizes(name + " data_offsets", value, json);
        default -> throw bad("tensor %s has unknown member %s".formatted(name, key));
      }
    }
    if (type == null || shape == null || offsets == null || offsets.length != 2)
      throw bad("tensor " + name + " must have dtype, shape and two data_offsets");
    return checked(new Entry(name, type, shape, offsets[0], offsets[1]));
  }

  private long[] readSizes(String what, JsonToken first, JsonParser json) {
    expect(first, JsonToken.START_ARRAY, what);
    List<Long> sizes = new ArrayList<>();
    for (JsonToken t = json.nextToken(); t != JsonToken.END_ARRAY; t = json.nextToken()) {
      expect(t, JsonToken.VALUE_NUMBER_INT, what);
      if (sizes.size() == MOST_AXES) throw bad(what + " has more than " + MOST_AXES + " numbers");
      long size = json.getLongValue(); // refuses what does not fit
      if (size < 0) throw bad(what + " has negative " + size);
      sizes.add(size);
    }
    return sizes.stream().mapToLong(Long::longValue).toArray();
  }

  private Entry checked(Entry entry) {
    String what = "tensor %s %s %s".formatted(entry.name, entry.type, Arrays.toString(entry.shape));
    if (entry.from > entry.to || entry.to > data.byteSize())
      throw bad(
          "%s lies at bytes %d to %d of %d: cut off or damaged"
              .formatted(what, entry.from, entry.to, data.byteSize()));
    long count = StoredTensor.count(entry.shape);
    if (count < 0 || count > Long.MAX_VALUE / 8)
      throw bad(what + " has more elements than can be counted");
    if (entry.type.byteSize(count) != entry.to - entry.from)
      throw bad("%s does not fit its %d bytes".formatted(what, entry.to - entry.from));
    return entry;
  }

  /// Tensors lie one behind another, from the first byte of the data to the last.
  private void checkCover() {
    long end = 0;
    List<Entry> sorted = new ArrayList<>(entries.values());
    sorted.sort(Comparator.comparingLong(Entry::from).thenComparingLong(Entry::to));
    for (Entry entry : sorted) {
      if (entry.from != end)
        throw bad(
            "tensor %s begins at byte %d, %s"
                .formatted(
                    entry.name,
                    entry.from,
                    entry.from < end
                        ? "inside of the tensor before it, which ends at " + end
                        : "after a gap from " + end));
      end = entry.to;
    }
    if (end != data.byteSize())
      throw bad("%d bytes of data belong to no tensor".formatted(data.byteSize() - end));
  }

  private void expect(JsonToken token, JsonToken wanted, String what) {
    if (token != wanted) throw bad("%s must be %s, was %s".formatted(what, wanted, token));
  }

  private FormatException bad(String problem) {
    return new FormatException(file, problem);
  }

  /// The bytes of a segment as a stream.
  private static final class SegmentStream extends InputStream {
    private final MemorySegment segment;
    private long at;

    SegmentStream(MemorySegment segment) {
      this.segment = segment;
    }

    @Override
    public int read() {
      return at == segment.byteSize() ? -1 : segment.get(ValueLayout.JAVA_BYTE, at++) & 0xFF;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) {
      if (at == segment.byteSize()) return -1;
      int count = (int) Math.min(length, segment.byteSize() - at);
      MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, at, buffer, offset, count);
      at += count;
      return count;
    }
  }
}
