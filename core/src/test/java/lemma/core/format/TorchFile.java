package lemma.core.format;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/// Builds checkpoints as `torch.save` lays them out, good ones and bad ones.
final class TorchFile {
  private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();
  private final Map<String, byte[]> storages = new LinkedHashMap<>();
  private String byteOrder = "little";
  private boolean compressed;

  TorchFile() {
    op(0x80, 2); // protocol 2
  }

  /// Instructions as they are.
  TorchFile op(int... codes) {
    for (int code : codes) pickle.write(code);
    return this;
  }

  TorchFile raw(String latin1) {
    pickle.writeBytes(latin1.getBytes(ISO_8859_1));
    return this;
  }

  TorchFile text(String text) {
    byte[] utf8 = text.getBytes(UTF_8);
    return op('X').i32(utf8.length).bytes(utf8);
  }

  TorchFile integer(long value) {
    if (value == (int) value) return op('J').i32((int) value);
    op(0x8a, 8);
    return bytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
  }

  TorchFile global(String module, String name) {
    return raw("c" + module + "\n" + name + "\n");
  }

  private TorchFile i32(int value) {
    return op(value & 0xFF, value >> 8 & 0xFF, value >> 16 & 0xFF, value >> 24 & 0xFF);
  }

  private TorchFile bytes(byte[] bytes) {
    pickle.writeBytes(bytes);
    return this;
  }

  TorchFile storage(String key, byte[] bytes) {
    storages.put(key, bytes);
    return this;
  }

  TorchFile byteOrder(String order) {
    byteOrder = order;
    return this;
  }

  TorchFile compressed() {
    compressed = true;
    return this;
  }

  TorchFile tuple(long... values) {
    op('(');
    for (long value : values) integer(value);
    return op('t');
  }

  /// A tensor on the stack.
  TorchFile tensor(
      String storageType, String key, long elements, long offset, long[] shape, long[] strides) {
    global("torch._utils", "_rebuild_tensor_v2").op('(', '(').text("storage");
    global("torch", storageType).text(key).text("cpu").integer(elements).op('t', 'Q');
    integer(offset).tuple(shape).tuple(strides).op(0x89);
    return global("collections", "OrderedDict").op(')', 'R', 't', 'R');
  }

  /// A dictionary with one float32 tensor.
  static TorchFile of(String name, long elements, long offset, long[] shape, long[] strides) {
    return new TorchFile()
        .op('}', '(')
        .text(name)
        .tensor("FloatStorage", "0", elements, offset, shape, strides)
        .op('u', '.')
        .storage("0", new byte[(int) elements * 4]);
  }

  byte[] toByteArray() {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("archive/data.pkl", pickle.toByteArray());
    if (byteOrder != null) entries.put("archive/byteorder", byteOrder.getBytes(UTF_8));
    storages.forEach((key, bytes) -> entries.put("archive/data/" + key, bytes));
    entries.put("archive/version", "3\n".getBytes(UTF_8));
    return zip(entries, compressed);
  }

  static byte[] zip(Map<String, byte[]> entries, boolean compressed) {
    var out = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(out)) {
      for (var entry : entries.entrySet()) {
        var header = new ZipEntry(entry.getKey());
        header.setTime(0);
        if (!compressed) {
          header.setMethod(ZipEntry.STORED);
          header.setSize(entry.getValue().length);
          var checksum = new CRC32();
          checksum.update(entry.getValue());
          header.setCrc(checksum.getValue());
        }
        zip.putNextEntry(header);
        zip.write(entry.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
