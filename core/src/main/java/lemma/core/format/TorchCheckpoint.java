package lemma.core.format;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A checkpoint as `torch.save` writes it (`.pt`, `.pth`, `.ckpt`, `.bin`), read without running any
/// of it.
///
/// ```
/// a zip file, nothing in it compressed:
///   archive/data.pkl     a pickle: names, shapes, strides, which storage, from which element
///   archive/data/0, …    the storages: the bytes of one or several tensors
///   archive/byteorder    "little" or "big"; older files have none and are little-endian
/// ```
///
/// A tensor is a view of its storage: element `(i, j, …)` lies at `offset + i·stride₀ + j·stride₁ + …`.
/// Contiguous ones are slices of the mapped file; others, and those of big-endian files, are copied
/// when they are asked for, never into more bytes than their storage has.
///
/// The tensors are those of `state_dict` if there is one, else all that the dictionary holds, with the
/// keys on the way joined by dots. Source: PyTorch `torch/serialization.py`, `torch/_utils.py`.
/// Answer: `format/torch-checkpoint.md`.
public record TorchCheckpoint(Path file, Map<String, TorchTensor> views) implements WeightFile {
  private static final String PICKLE = "data.pkl";
  private static final int DEEPEST = 64;

  /// How a file from before PyTorch 1.6 begins: a pickled magic number.
  private static final int[] LEGACY = {
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19
  };

  /// Keeps the order of the map.
  public TorchCheckpoint {
    views = Collections.unmodifiableMap(new LinkedHashMap<>(views));
  }

  /// Maps a file, for as long as a tensor of it is reachable.
  ///
  /// @throws FormatException if the file is missing, cut off, damaged, of the format before PyTorch
  ///     1.6, or asks for anything else than tensors
  public static TorchCheckpoint open(Path file) throws IOException {
    return open(file, Arena.ofAuto());
  }

  /// Maps a file, for as long as `arena` lives.
  public static TorchCheckpoint open(Path file, Arena arena) throws IOException {
    return read(file, MappedFile.map(file, arena));
  }

  static boolean begins(MemorySegment bytes) {
    return WeightFile.begins(bytes, 'P', 'K', 3, 4) || WeightFile.begins(bytes, LEGACY);
  }

  static TorchCheckpoint read(Path file, MemorySegment bytes) {
    if (WeightFile.begins(bytes, LEGACY))
      throw new FormatException(
          file,
          "has the format before PyTorch 1.6, which is not read: save it again with a newer one");
    Map<String, MemorySegment> entries = new StoredZip(file, bytes).entries();
    List<String> pickles =
        entries.keySet().stream()
            .filter(name -> name.equals(PICKLE) || name.endsWith("/" + PICKLE))
            .toList();
    if (pickles.size() != 1)
      throw new FormatException(
          file,
          "must have one entry data.pkl, has " + pickles.size() + ": not a PyTorch checkpoint");
    String pickle = pickles.get(0);
    String folder = pickle.substring(0, pickle.length() - PICKLE.length());
    var globals =
        new TorchGlobals(file, folder, entries, order(file, entries.get(folder + "byteorder")));
    return read(file, entries.get(pickle), globals);
  }

  static TorchCheckpoint read(Path file, MemorySegment pickle, TorchGlobals globals) {
    Object root = new Pickle(file, pickle, globals).run();
    if (!(root instanceof Map<?, ?> dictionary))
      throw new FormatException(file, "must hold a dictionary of tensors");
    Object state = dictionary.get("state_dict");
    var gathering = new Gathering(file, pickle.byteSize());
    gathering.gather(state instanceof Map ? state : dictionary, "", 0);
    return new TorchCheckpoint(file, gathering.views);
  }

  private static ByteOrder order(Path file, MemorySegment record) {
    if (record == null) return ByteOrder.LITTLE_ENDIAN;
    String order =
        new ByteCursor(file, record, ByteOrder.LITTLE_ENDIAN, 0)
            .text(record.byteSize(), "byteorder");
    return switch (order) {
      case "little" -> ByteOrder.LITTLE_ENDIAN;
      case "big" -> ByteOrder.BIG_ENDIAN;
      default -> throw new FormatException(file, "byteorder must be little or big, was " + order);
    };
  }

  /// Finds the tensors in what the pickle holds. A dictionary can hold itself: it is not entered again
  /// from inside. Or another twice, which holds a third twice and so on: depth is bounded, and so are
  /// the names, by the pickle's size.
  private static final class Gathering {
    private final Path file;
    private final Map<String, TorchTensor> views = new LinkedHashMap<>();
    private final Set<Object> entered = Collections.newSetFromMap(new IdentityHashMap<>());
    private long budget;

    Gathering(Path file, long pickleBytes) {
      this.file = file;
      budget = 4 * pickleBytes + 1024;
    }

    void gather(Object value, String name, int depth) {
      if (value instanceof TorchTensor tensor) {
        if (views.put(name, tensor) != null)
          throw new FormatException(file, "tensor " + name + " is there twice");
        return;
      }
      if (!entered.add(value)) return;
      if (value instanceof Map<?, ?> map)
        map.forEach((key, item) -> inside(item, name, key, depth));
      List<?> items =
          value instanceof Pickle.Tuple tuple
              ? tuple.values()
              : value instanceof List<?> list ? list : List.of();
      for (int i = 0; i < items.size(); i++) inside(items.get(i), name, i, depth);
      entered.remove(value);
    }

    private void inside(Object item, String name, Object key, int depth) {
      budget--;
      if (item instanceof Map
          || item instanceof List
          || item instanceof Pickle.Tuple
          || item instanceof TorchTensor) {
        String text = key.toString();
        budget -= (long) name.length() + text.length();
        if (depth >= DEEPEST || budget < 0)
          throw new FormatException(
              file, "holds one thing too often, or is nested deeper than " + DEEPEST);
        gather(item, name.isEmpty() ? text : name + "." + text, depth + 1);
      }
    }
  }

  @Override
  public Map<String, Entry> entries() {
    Map<String, Entry> entries = new LinkedHashMap<>();
    views.forEach((name, view) ->
        entries.put(name, new Entry(name, view.type().name(), view.shape(), view.byteSize())));
    return entries;
  }

  @Override
  public StoredTensor tensor(String name) {
    TorchTensor view = views.get(name);
    if (view == null) throw new FormatException(file, "tensor " + name + " is missing");
    return view.stored(file, name);
  }

  /// @throws FormatException also if the copies would take more bytes than all storages have
  @Override
  public Map<String, StoredTensor> tensors() {
    Set<MemorySegment> storages = Collections.newSetFromMap(new IdentityHashMap<>());
    views.values().forEach(view -> storages.add(view.storage()));
    long room = storages.stream().mapToLong(MemorySegment::byteSize).sum();
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (var view : views.entrySet()) {
      tensors.put(view.getKey(), tensor(view.getKey()));
      if (!view.getValue().isContiguous()) room -= view.getValue().byteSize();
      if (room < 0) throw new FormatException(file, "has strided tensors larger than its storages");
    }
    return tensors;
  }
}
