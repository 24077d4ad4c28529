package lemma.core.format;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// A file of weights in one of the formats that are understood; its kind is told by its first bytes,
/// not by its name.
public sealed interface WeightFile permits Safetensors, Gguf, TorchCheckpoint {

  /// What a file says of a tensor: enough to list it, though perhaps not to read it.
  ///
  /// @param type the format's own name of the element type
  /// @param bytes how many it takes
  record Entry(String name, String type, long[] shape, long bytes) {}

  Path file();

  /// Every tensor by its name, in the order of the file.
  Map<String, Entry> entries();

  /// One tensor.
  ///
  /// @throws FormatException if there is none of this name, or its type cannot be read
  StoredTensor tensor(String name);

  /// All tensors by their names, in the order of the file.
  ///
  /// @throws FormatException if the type of one cannot be read
  default Map<String, StoredTensor> tensors() {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    entries().keySet().forEach(name -> tensors.put(name, tensor(name)));
    return tensors;
  }

  /// Maps a file for as long as a tensor of it is reachable.
  ///
  /// @throws FormatException if the file is missing, cut off, damaged, or of no known kind
  static WeightFile open(Path file) throws IOException {
    MemorySegment bytes = MappedFile.map(file, Arena.ofAuto());
    if (Gguf.begins(bytes)) return Gguf.read(file, bytes);
    if (TorchCheckpoint.begins(bytes)) return TorchCheckpoint.read(file, bytes);
    return Safetensors.read(file, bytes);
  }

  /// Whether a file begins with these bytes.
  static boolean begins(MemorySegment bytes, int... magic) {
    if (bytes.byteSize() < magic.length) return false;
    for (int i = 0; i < magic.length; i++)
      if (bytes.get(ValueLayout.JAVA_BYTE, i) != (byte) magic[i]) return false;
    return true;
  }
}
